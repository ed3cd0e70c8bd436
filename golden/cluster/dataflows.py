"""The publication's two dataflows of fused decode attention, one head on N nodes, in float32 torch.

ClusterFusion (arXiv 2508.18850): split-token is Alg. 3, split-head its appendix. What the bit-true steps
(`golden.cluster.fused_decode`) are measured against, and their traffic.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from golden.errors import InputError

BASE = 10000.0  # of the rotary embedding, unless a head says otherwise


@dataclass(frozen=True, kw_only=True)
class Head:
    """A key-value head with the G query heads that share it, before one token is decoded.

    Weights [D, G·H] of the queries, [D, H] of key and value, [G·H, D] of the output, the cache [S, H] of rotated keys
    and values, and the angles [H/2] by which the new token's pairs are turned; left out, those of position S.
    """

    query: Tensor
    key: Tensor
    value: Tensor
    output: Tensor
    keys: Tensor
    values: Tensor
    turn: Tensor | None = None

    def __post_init__(self) -> None:
        size = self.key.shape[1]
        if size % 2 or self.keys.shape != self.values.shape or self.keys.shape[1:] != (size,):
            raise InputError(f"decode: the head's size must be even and the cache [S, {size}], it is {self.keys.shape}")
        if self.query.shape[1] % size or not self.group:
            raise InputError(
                f"decode: the queries must be a multiple of the head's size {size}, they are {self.query.shape[1]}"
            )
        if self.turn is None:
            object.__setattr__(self, "turn", angles(len(self.keys), size))

    @property
    def group(self) -> int:
        """Query heads G."""
        return self.query.shape[1] // self.key.shape[1]

    @property
    def angles(self) -> Tensor:
        """By which the new token's pairs are turned, [H/2]."""
        assert self.turn is not None
        return self.turn

    @property
    def queries(self) -> tuple[Tensor, ...]:
        """Weights [D, H] of each query head."""
        return self.query.split(self.key.shape[1], 1)

    @property
    def outputs(self) -> tuple[Tensor, ...]:
        """Weights [H, D] of the output, of each query head."""
        return self.output.split(self.key.shape[1], 0)


def angles(position: int, size: int, base: float = BASE) -> Tensor:
    """position·base^(-2i/H) of the pairs i, [H/2]."""
    return position * base ** (-torch.arange(size // 2, dtype=torch.float64) * 2 / size)


def rotate(vector: Tensor, position: int) -> Tensor:
    """Rotary embedding of neighbouring pairs (2i, 2i + 1) by position·10000^(-2i/H)."""
    return turned(vector, angles(position, len(vector)))


def turned(vector: Tensor, turn: Tensor) -> Tensor:
    """Neighbouring pairs (2i, 2i + 1) of a vector [..., H], turned by the angles [H/2]."""
    first, second = vector.unflatten(-1, (-1, 2)).unbind(-1)
    cosine, sine = turn.to(vector).cos(), turn.to(vector).sin()
    return torch.stack([first * cosine - second * sine, first * sine + second * cosine], -1).flatten(-2)


def attend(hidden: Tensor, head: Head) -> Tensor:
    """The heads' contribution [D] to the next hidden vector, undivided."""
    return attended(hidden, head).flatten() @ head.output


def attended(hidden: Tensor, head: Head) -> Tensor:
    """What the query heads attend to, [G, H], before the output projection."""
    size = head.key.shape[1]
    queries = turned(torch.stack([hidden @ query for query in head.queries]), head.angles)
    keys = torch.cat([head.keys, turned(hidden @ head.key, head.angles)[None]])
    values = torch.cat([head.values, (hidden @ head.value)[None]])
    return torch.softmax(queries @ keys.T / size**0.5, 1) @ values


def split_token(hidden: Tensor, head: Head, nodes: int) -> tuple[Tensor, int]:
    """Alg. 3: nodes share columns of the projections, then tokens, then columns of the output.

    The query heads share one pass over a node's tokens.

    Returns:
        The result [D], and the elements that the network moves:
        gather((G + 2)·H/N) + reduce(G·(H + 2)), the 2 for the softmax statistics.
    """
    size, group = head.key.shape[1], head.group
    columns = torch.arange(size).chunk(nodes)
    weights = (*head.queries, head.key, head.value)
    parts = [[hidden @ w[:, c] for w in weights] for c in columns]
    *queries, key, value = (torch.cat([part[k] for part in parts]) for k in range(len(weights)))  # ClusterGather
    query, key = turned(torch.stack(queries), head.angles), turned(key, head.angles)
    keys, values = torch.cat([head.keys, key[None]]), torch.cat([head.values, value[None]])
    shares = []
    for tokens in torch.arange(len(keys)).tensor_split(nodes):
        scores = query @ keys[tokens].T / size**0.5
        top = scores.amax(1) if len(tokens) else torch.full((group,), -torch.inf)
        share = torch.exp(scores - top[:, None])
        shares.append((top, share.sum(1), share @ values[tokens]))
    top = torch.stack([m for m, _, _ in shares]).amax(0)  # ClusterReduce, merge of (m, l, o)
    factors = [torch.exp(m - top) for m, _, _ in shares]
    total = torch.stack([f * s for f, (_, s, _) in zip(factors, shares, strict=True)]).sum(0)
    output = torch.stack([f[:, None] * o for f, (_, _, o) in zip(factors, shares, strict=True)]).sum(0) / total[:, None]
    result = torch.cat([output.flatten() @ head.output[:, c] for c in torch.arange(len(hidden)).tensor_split(nodes)])
    return result, gathered((group + 2) * size // nodes, nodes) + reduced(group * (size + 2), nodes)


def split_head(hidden: Tensor, head: Head, nodes: int) -> tuple[Tensor, int]:
    """The appendix: nodes share columns of the head throughout; scores and the result are reduced.

    Returns:
        The result [D], and the elements that the network moves: reduce(G·(S + 1)) + reduce(D).
    """
    position, size = len(head.keys), head.key.shape[1]
    columns = torch.arange(size).chunk(nodes)
    scores = torch.zeros(head.group, position + 1)
    values = []
    # A node's columns hold whole pairs, so that it rotates its own without an exchange.
    queries = turned(torch.stack([hidden @ query for query in head.queries]), head.angles)
    key = turned(hidden @ head.key, head.angles)
    for c in columns:  # ClusterReduce of the scores
        scores += queries[:, c] @ torch.cat([head.keys[:, c], key[None, c]]).T
        values.append(torch.cat([head.values[:, c], (hidden @ head.value[:, c])[None]]))
    weights = torch.softmax(scores / size**0.5, 1)
    # The rows of all heads' outputs that a node's columns meet lie side by side.
    rows = [torch.cat([output[c] for output in head.outputs]) for c in columns]
    parts = [(weights @ v).flatten() @ own for v, own in zip(values, rows, strict=True)]
    moved = reduced(head.group * (position + 1), nodes) + reduced(len(hidden), nodes)
    return torch.stack(parts).sum(0), moved  # ClusterReduce


def reduced(size: int, nodes: int) -> int:
    """Elements that a ClusterReduce moves, Eq. 3."""
    return size * (nodes.bit_length() - 1) * nodes


def gathered(size: int, nodes: int) -> int:
    """Elements that a ClusterGather moves, Eq. 3."""
    return size * (nodes - 1) * nodes
