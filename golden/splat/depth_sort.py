"""Depth sort: a survivor leaves only when no unvisited voxel of the group can hold a nearer centre."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

import torch
from torch import Tensor

from golden.splat.spec import Spec


def voxel_sort(key: Tensor, rank: Tensor, visit: Tensor) -> Tensor:
    """StreamingGS's: each voxel's survivors among themselves, voxel after voxel; the order [M]."""
    order = torch.argsort(rank, stable=True)
    for column in (key, visit):
        order = order[torch.argsort(column[order], stable=True)]
    return order


@dataclass(frozen=True, kw_only=True)
class Sorted:
    """How a group's survivors left the depth sort."""

    order: Tensor  # [M], first to last
    forced: int = 0  # survivors that left unsafely
    deepest: int = 0  # most that waited at once
    crowded: int = 0  # times that what waited was given up


def depth_sort(key: Tensor, rank: Tensor, visit: Tensor, bounds: Tensor, spec: Spec, *, cuts: bool = True) -> Sorted:
    """The order in which survivors reach the rasteriser.

    Survivors arrive in order; number i has the sort key `key[i]`, the place `rank[i]` in the scene's
    file, and came from the `visit[i]`-th voxel of the list, whose near bound (as a sort key) is
    `bounds[visit[i]]`. The banks hold `sort_capacity` survivors. When a voxel begins, all that is
    nearer than its bound leaves, nearest first, equal keys in the order of the file.

    When a survivor finds all banks full, what waits is given up, and the list is read again: for the keys from that
    bound to the one in the middle of what waited (for the nearest alone, if that is the one), and then for those
    from there on. Each of these slabs of depth may be cut again, down to a single key. Where there is but one key, or
    without `cuts`, the first of all leaves although it may not be safe.
    """
    limits = bounds.tolist()
    items = list(zip(key.tolist(), rank.tolist(), range(len(key)), visit.tolist(), strict=True))
    everything = 1 << spec.depth_bits
    order: list[int] = []
    forced = deepest = crowded = 0
    low, high = 0, everything
    while True:
        here = [item for item in items if low <= item[0] < high]
        sent = _slab(here, limits, spec.sort_capacity, high if cuts else None)
        order += sent.order
        forced += sent.forced
        deepest = max(deepest, sent.deepest)
        if sent.waiting:
            nearest, middle = sent.waiting[0], sent.waiting[spec.sort_capacity // 2]
            low, high = max(low, sent.bound), max(middle, nearest + 1)
            crowded += 1
        elif high < everything:
            low, high = high, everything
        else:
            return Sorted(order=torch.tensor(order, dtype=torch.int64), forced=forced, deepest=deepest, crowded=crowded)


@dataclass(kw_only=True)
class _Sent:
    """What became of a slab: if it was crowded, the keys that `waited`, in order, and the bound at which they did."""

    order: list[int] = field(default_factory=list)
    forced: int = 0
    deepest: int = 0
    waiting: list[int] = field(default_factory=list)
    bound: int = 0


def _slab(items: list[tuple[int, int, int, int]], limits: list[int], capacity: int, high: int | None) -> _Sent:
    """Items are key, rank, number and visit. What is crowded ends the slab, unless there is no key below `high` - 1."""
    heap: list[tuple[int, int, int]] = []
    sent = _Sent()

    def emit() -> None:
        sent.order.append(heapq.heappop(heap)[2])

    for key, rank, number, visit in items:
        while heap and heap[0][0] < limits[visit]:
            emit()
        if len(heap) == capacity:
            if high is not None and heap[0][0] + 1 < high:
                sent.waiting, sent.bound = sorted(item[0] for item in heap), limits[visit]
                return sent
            emit()
            sent.forced += 1
        heapq.heappush(heap, (key, rank, number))
        sent.deepest = max(sent.deepest, len(heap))
    while heap:
        emit()
    return sent
