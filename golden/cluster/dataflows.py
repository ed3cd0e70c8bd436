"""The publication's two dataflows of fused decode attention, one head on N nodes, in float32 torch.

ClusterFusion (arXiv 2508.18850): split-token is Alg. 3, split-head its appendix. What the bit-true steps
(`golden.cluster.fused_decode`) are measured against, and their traffic.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from golden.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Head:
    """Weights [D, H] of query, key and value, [H, D] of the output, and the cache [S, H] of rotated keys and values."""

    query: Tensor
    key: Tensor
    value: Tensor
    output: Tensor
    keys: Tensor
    values: Tensor

    def __post_init__(self) -> None:
        size = self.query.shape[1]
        if size % 2 or self.keys.shape != self.values.shape or self.keys.shape[1:] != (size,):
            raise InputError(f"decode: the head's size must be even and the cache [S, {size}], it is {self.keys.shape}")


def angles(position: int, size: int) -> Tensor:
    """position·10000^(-2i/H) of the pairs i, [H/2]."""
    return position * 10000.0 ** (-torch.arange(size // 2, dtype=torch.float64) * 2 / size)


def rotate(vector: Tensor, position: int) -> Tensor:
    """Rotary embedding of neighbouring pairs (2i, 2i + 1) by position·10000^(-2i/H)."""
    pairs = vector.unflatten(-1, (-1, 2))
    angle = angles(position, len(vector)).to(vector)
    cosine, sine = angle.cos(), angle.sin()
    turned = torch.stack([pairs[:, 0] * cosine - pairs[:, 1] * sine, pairs[:, 0] * sine + pairs[:, 1] * cosine], -1)
    return turned.flatten()


def attend(hidden: Tensor, head: Head) -> Tensor:
    """The head's contribution [D] to the next hidden vector, undivided."""
    position, size = len(head.keys), head.query.shape[1]
    query, key = rotate(hidden @ head.query, position), rotate(hidden @ head.key, position)
    keys, values = torch.cat([head.keys, key[None]]), torch.cat([head.values, (hidden @ head.value)[None]])
    return torch.softmax(keys @ query / size**0.5, 0) @ values @ head.output


def split_token(hidden: Tensor, head: Head, nodes: int) -> tuple[Tensor, int]:
    """Alg. 3: nodes share columns of the projections, then tokens, then columns of the output.

    Returns:
        The result [D], and the elements that the network moves:
        gather(3·H/N) + reduce(H + 2), the 2 for the softmax statistics.
    """
    position, size = len(head.keys), head.query.shape[1]
    columns = torch.arange(size).chunk(nodes)
    parts = [[hidden @ w[:, c] for w in (head.query, head.key, head.value)] for c in columns]
    query, key, value = (torch.cat([part[k] for part in parts]) for k in range(3))  # ClusterGather
    query, key = rotate(query, position), rotate(key, position)
    keys, values = torch.cat([head.keys, key[None]]), torch.cat([head.values, value[None]])
    shares = []
    for tokens in torch.arange(position + 1).tensor_split(nodes):
        scores = keys[tokens] @ query / size**0.5
        top = scores.max() if len(tokens) else torch.tensor(-torch.inf)
        weights = torch.exp(scores - top)
        shares.append((top, weights.sum(), weights @ values[tokens]))
    top = torch.stack([m for m, _, _ in shares]).max()  # ClusterReduce, merge of (m, l, o)
    total = sum(torch.exp(m - top) * s for m, s, _ in shares)
    output = torch.stack([torch.exp(m - top) * o for m, _, o in shares]).sum(0) / total
    result = torch.cat([output @ head.output[:, c] for c in torch.arange(len(hidden)).tensor_split(nodes)])
    return result, gathered(3 * size // nodes, nodes) + reduced(size + 2, nodes)


def split_head(hidden: Tensor, head: Head, nodes: int) -> tuple[Tensor, int]:
    """The appendix: nodes share columns of the head throughout; scores and the result are reduced.

    Returns:
        The result [D], and the elements that the network moves: reduce(S + 1) + reduce(D).
    """
    position, size = len(head.keys), head.query.shape[1]
    columns = torch.arange(size).chunk(nodes)
    scores = torch.zeros(position + 1)
    values = []
    # A node's columns hold whole pairs, so that it rotates its own without an exchange.
    query, key = (rotate(hidden @ w, position) for w in (head.query, head.key))
    for c in columns:  # ClusterReduce of the scores
        scores += torch.cat([head.keys[:, c], key[None, c]]) @ query[c]
        values.append(torch.cat([head.values[:, c], (hidden @ head.value[:, c])[None]]))
    weights = torch.softmax(scores / size**0.5, 0)
    parts = [weights @ v @ head.output[c] for c, v in zip(columns, values, strict=True)]
    return torch.stack(parts).sum(0), reduced(position + 1, nodes) + reduced(len(hidden), nodes)  # ClusterReduce


def reduced(size: int, nodes: int) -> int:
    """Elements that a ClusterReduce moves, Eq. 3."""
    return size * (nodes.bit_length() - 1) * nodes


def gathered(size: int, nodes: int) -> int:
    """Elements that a ClusterGather moves, Eq. 3."""
    return size * (nodes - 1) * nodes
