"""ReSV as published, in plain float32, and the selections that it is measured against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

Mapping = Literal["min", "relu", "exp", "square"]


@dataclass(frozen=True, kw_only=True)
class Table:
    """Hash clusters: KeyClusters [C, D], counts [C], and each token's cluster [T]."""

    means: Tensor
    counts: Tensor
    cluster: Tensor


def hash_bits(keys: Tensor, planes: Tensor, centre: Tensor | None = None) -> Tensor:
    """K · H > 0, of keys [T, D] minus `centre` and planes [D, N]. bool [T, N]."""
    return (keys if centre is None else keys - centre) @ planes > 0


def cluster(
    keys: Tensor, bits: Tensor, threshold: int, *, rule: Literal["nearest", "first"] = "nearest",
    planes: Tensor | None = None, centre: Tensor | None = None,
) -> Table:  # fmt: skip
    """Each token joins a cluster at Hamming distance below `threshold`, or founds one.

    Args:
        planes: if given, a cluster's hash is that of its mean, taken anew after every token; else its founder's.
    """
    signs = bits.float() * 2 - 1
    size = signs.shape[1]
    hashes = torch.zeros(len(keys), size)
    sums = torch.zeros_like(keys)
    counts = torch.zeros(len(keys))
    found = 0
    places = torch.zeros(len(keys), dtype=torch.int64)
    for t in range(len(keys)):
        place = found
        if found:
            distance = (size - hashes[:found] @ signs[t]) / 2
            nearest = int(distance.argmin())
            if distance[nearest] < threshold:
                place = nearest if rule == "nearest" else int((distance < threshold).long().argmax())
        sums[place] += keys[t]
        counts[place] += 1
        if place == found:
            hashes[place] = signs[t]
            found += 1
        elif planes is not None:
            hashes[place] = hash_bits((sums[place] / counts[place])[None], planes, centre)[0].float() * 2 - 1
        places[t] = place
    return Table(means=sums[:found] / counts[:found, None], counts=counts[:found], cluster=places)


def map_scores(scores: Tensor, mapping: Mapping) -> Tensor:
    """Non-negative scores [R, C] for Σ s·n. The paper's are non-negative; it does not say how they become so."""
    low = scores.min(1, keepdim=True).values
    if mapping == "min":
        return scores - low
    if mapping == "square":
        return (scores - low) ** 2
    if mapping == "relu":
        return scores.clip(0)
    return torch.exp(scores - scores.max(1, keepdim=True).values)


def wicsum(scores: Tensor, counts: Tensor, threshold: float, *, mapping: Mapping = "min") -> Tensor:
    """Clusters in falling score until Σ s·n exceeds `threshold` of its total, per row. bool [R, C]."""
    order = scores.argsort(dim=1, descending=True, stable=True)
    weight = (map_scores(scores, mapping) * counts).gather(1, order)
    reached = weight.cumsum(1) > threshold * weight.sum(1, keepdim=True)
    last = torch.where(reached.any(1), reached.long().argmax(1), scores.shape[1] - 1)
    taken = torch.arange(scores.shape[1]) <= last[:, None]
    return torch.zeros_like(taken).scatter_(1, order, taken)


def top_k(scores: Tensor, count: Tensor) -> Tensor:
    """The `count` [R] best tokens of every row. bool [R, T]."""
    order = scores.argsort(dim=1, descending=True, stable=True)
    ranks = torch.arange(scores.shape[1]) < count[:, None]
    return torch.zeros_like(ranks).scatter_(1, order, ranks)


def pages_by_bounds(queries: Tensor, keys: Tensor, page: int) -> Tensor:
    """Upper bound of Q · k over every page, from each dimension's smallest and largest key. [R, pages]"""
    padded = torch.cat([keys, keys[-1:].expand(-len(keys) % page, -1)])
    paged = padded.reshape(-1, page, keys.shape[1])
    low, high = paged.min(1).values, paged.max(1).values
    return queries.clip(0) @ high.T + queries.clip(max=0) @ low.T
