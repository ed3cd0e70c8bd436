"""Survivors on their way to the depth sort, as the fine filter would send them."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import torch
from torch import Tensor

from golden.splat.depth_sort import Sorted, depth_sort
from golden.splat.spec import Spec


@dataclass(frozen=True, kw_only=True)
class Arrivals:
    """One group's survivors: `key[i]` from the `visit[i]`-th voxel, none nearer than `bounds[visit[i]]`.

    `rank[i]` is the place in the file; without ranks they came as they stand there.
    """

    key: list[int]
    visit: list[int]
    bounds: list[int]  # ascending
    ranks: list[int] | None = None

    @property
    def rank(self) -> list[int]:
        return list(range(len(self.key))) if self.ranks is None else self.ranks

    def sorted(self, spec: Spec) -> tuple[list[int], int, int]:
        """The model's order without slabs, how many left unsafely, the most that waited."""
        result = self.passes(spec, cuts=False)
        return result.order.tolist(), result.forced, result.deepest

    def passes(self, spec: Spec, *, cuts: bool = True) -> Sorted:
        """All that the model says of them."""
        key, rank, visit, bounds = (self.tensor(name) for name in ("key", "rank", "visit", "bounds"))
        return depth_sort(key, rank, visit, bounds, spec, cuts=cuts)

    def tensor(self, name: str) -> Tensor:
        return torch.tensor(getattr(self, name), dtype=torch.int64)

    @property
    def plain(self) -> list[int]:
        """By key, equal keys as in the file."""
        return sorted(range(len(self.key)), key=lambda i: (self.key[i], self.rank[i]))


def arrivals(rng: Random, *, voxels: int, crowd: int, spread: int) -> Arrivals:
    """Up to `crowd` survivors a voxel, up to `spread` behind its bound; bounds and keys meet often."""
    bounds = sorted(rng.randrange(1, 20 * voxels + 2) for _ in range(voxels))
    visit = [v for v in range(voxels) for _ in range(rng.choice([0, rng.randint(0, crowd)]))]
    key = [bounds[v] + rng.randrange(spread) for v in visit]
    return Arrivals(key=key, visit=visit, bounds=bounds, ranks=rng.sample(range(1 << 25), len(key)))
