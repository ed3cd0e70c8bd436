"""Survivors on their way to the depth sort, as the fine filter would send them."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import torch
from torch import Tensor

from golden.splat.depth_sort import depth_sort
from golden.splat.spec import Spec


@dataclass(frozen=True, kw_only=True)
class Arrivals:
    """One group's survivors: `key[i]` from the `visit[i]`-th voxel, none nearer than `bounds[visit[i]]`."""

    key: list[int]
    visit: list[int]
    bounds: list[int]  # ascending

    def sorted(self, spec: Spec) -> tuple[list[int], int, int]:
        """The model's order, how many left unsafely, the most that waited."""
        order, forced, deepest = depth_sort(self.tensor("key"), self.tensor("visit"), self.tensor("bounds"), spec)
        return order.tolist(), forced, deepest

    def tensor(self, name: str) -> Tensor:
        return torch.tensor(getattr(self, name), dtype=torch.int64)

    @property
    def plain(self) -> list[int]:
        """By key, equal keys as they came."""
        return sorted(range(len(self.key)), key=lambda i: self.key[i])


def arrivals(rng: Random, *, voxels: int, crowd: int, spread: int) -> Arrivals:
    """Up to `crowd` survivors a voxel, up to `spread` behind its bound; bounds and keys meet often."""
    bounds = sorted(rng.randrange(1, 20 * voxels + 2) for _ in range(voxels))
    visit = [v for v in range(voxels) for _ in range(rng.choice([0, rng.randint(0, crowd)]))]
    return Arrivals(key=[bounds[v] + rng.randrange(spread) for v in visit], visit=visit, bounds=bounds)
