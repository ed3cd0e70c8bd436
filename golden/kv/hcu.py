"""Hash clustering: every token joins the nearest cluster below Th_hd, or founds one (ReSV step 2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from golden.kv.spec import Spec

Rule = Literal["nearest", "first"]


@dataclass(frozen=True, kw_only=True)
class Clustering:
    """What the HCU decides, token by token."""

    cluster: Tensor  # [T]
    new: Tensor  # [T] the token founded its cluster
    spilled: Tensor  # [T] the table was full: it joined the nearest cluster beyond Th_hd
    founders: Tensor  # [C] hashes of the clusters
    comparisons: int

    @property
    def count(self) -> int:
        return len(self.founders)


def hcu(hashes: Tensor, spec: Spec, *, threshold: int, rule: Rule = "nearest") -> Clustering:
    """Clusters tokens in order. A cluster's hash is its founder's; ties go to the lowest cluster.

    `first` takes the lowest cluster below the threshold instead of the nearest. It is here for
    comparison; the engine has `nearest` only.
    """
    signs = 2.0 * (hashes[:, None] >> torch.arange(spec.hash_bits) & 1) - 1
    table = torch.zeros(spec.clusters, spec.hash_bits)
    founders: list[int] = []
    cluster, new, spilled = (torch.zeros(len(hashes), dtype=torch.int64) for _ in range(3))
    comparisons = 0
    for t in range(len(hashes)):
        count = len(founders)
        comparisons += count
        place = count
        if count:
            distance = (spec.hash_bits - table[:count] @ signs[t]) / 2
            place = int(distance.argmin())
            near = bool(distance[place] < threshold)
            if near and rule == "first":
                place = int((distance < threshold).long().argmax())
            if not near and count < spec.clusters:
                place = count
            spilled[t] = int(not near and count == spec.clusters)
        if place == count:
            table[count] = signs[t]
            founders.append(int(hashes[t]))
            new[t] = 1
        cluster[t] = place
    return Clustering(
        cluster=cluster, new=new, spilled=spilled, founders=torch.tensor(founders), comparisons=comparisons
    )


def pages(hashes: Tensor, spec: Spec) -> Clustering:
    """LiveVLM's pages as clusters: `block_tokens` neighbours each."""
    place = torch.arange(len(hashes))
    new = (place % spec.block_tokens == 0).long()
    return Clustering(
        cluster=place // spec.block_tokens,
        new=new,
        spilled=torch.zeros_like(new),
        founders=hashes[new == 1],
        comparisons=0,
    )
