"""A step with retrieval in float: the same rule of selection on the scores themselves, and attention to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from golden.chips.decode.layer import Layer, selected
from golden.cluster.dataflows import Head, attend, turned
from golden.kv.scan import ScanOptions


def queries_of(hidden: Tensor, head: Head) -> Tensor:
    """The rotated queries of a head, [G, H]."""
    return turned(torch.stack([hidden @ query for query in head.queries]), head.angles)


def select(queries: Tensor, keys: Tensor, options: ScanOptions, ends: int) -> Tensor:
    """`golden.kv.scan` on exact scores: the tokens, rising.

    Args:
        ends: tokens of a memory word of planes; the references are taken from the first and the last such.
    """
    count = len(keys)
    scores = queries.double() @ keys.double().T
    outer = torch.arange(count)
    outer = (outer < ends) | (outer >= (count - 1) // ends * ends)
    joined = (scores - scores[:, outer].max(1, keepdim=True).values).max(0).values
    joined[options.always(count)] = torch.inf
    return torch.argsort(-joined, stable=True)[: selected(options, count)].sort().values


def decode(layer: Layer, options: ScanOptions, ends: int) -> tuple[Tensor, list[Tensor]]:
    """The contribution [D] of all query heads, and the tokens that each key-value head attends to."""
    tokens = [select(queries_of(layer.hidden, head), head.keys, options, ends) for head in layer.heads]
    return attend_to(layer, tokens), tokens


def attend_to(layer: Layer, tokens: Sequence[Tensor] | None = None) -> Tensor:
    """The contribution [D] of all query heads that attend to these tokens of each key-value head, or to all."""
    heads = layer.heads
    if tokens is not None:
        heads = [
            replace(head, keys=head.keys[chosen], values=head.values[chosen])
            for head, chosen in zip(layer.heads, tokens, strict=True)
        ]
    return torch.stack([attend(layer.hidden, head) for head in heads]).sum(0)


def kept_mass(layer: Layer, tokens: Sequence[Tensor]) -> float:
    """The softmax mass on these tokens of each key-value head and on the new one, mean over all query heads."""
    masses = []
    for head, chosen in zip(layer.heads, tokens, strict=True):
        new = turned(layer.hidden @ head.key, head.angles)
        keys = torch.cat([head.keys, new[None]])
        shares = torch.softmax(queries_of(layer.hidden, head) @ keys.T / keys.shape[1] ** 0.5, 1)
        masses.append(shares[:, chosen].sum(1) + shares[:, -1])
    return float(torch.stack(masses).mean())
