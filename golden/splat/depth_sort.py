"""Depth sort: a survivor leaves only when no unvisited voxel of the group can hold a nearer centre."""

from __future__ import annotations

import heapq

import torch
from torch import Tensor

from golden.splat.spec import Spec


def voxel_sort(key: Tensor, rank: Tensor, visit: Tensor) -> Tensor:
    """StreamingGS's: each voxel's survivors among themselves, voxel after voxel; the order [M]."""
    order = torch.argsort(rank, stable=True)
    for column in (key, visit):
        order = order[torch.argsort(column[order], stable=True)]
    return order


def depth_sort(key: Tensor, rank: Tensor, visit: Tensor, bounds: Tensor, spec: Spec) -> tuple[Tensor, int, int]:
    """The order in which survivors reach the rasteriser.

    Survivors arrive in order; number i has the sort key `key[i]`, the place `rank[i]` in the scene's
    file, and came from the `visit[i]`-th voxel of the list, whose near bound (as a sort key) is
    `bounds[visit[i]]`. The banks hold `sort_capacity` survivors. When a voxel begins, all that is
    nearer than its bound leaves, nearest first, equal keys in the order of the file. When a survivor
    finds all banks full, the first of all in that order leaves although it may not be safe.

    Returns:
        the order [M]; how many left unsafely; the largest number that waited at once.
    """
    visits, limits = visit.tolist(), bounds.tolist()
    capacity = spec.sort_capacity
    heap: list[tuple[int, int, int]] = []
    order: list[int] = []
    forced = deepest = 0

    def emit() -> None:
        order.append(heapq.heappop(heap)[2])

    current = -1
    for index, item in enumerate(zip(key.tolist(), rank.tolist(), strict=True)):
        if visits[index] != current:
            current = visits[index]
            while heap and heap[0][0] < limits[current]:
                emit()
        if len(heap) == capacity:
            emit()
            forced += 1
        heapq.heappush(heap, (*item, index))
        deepest = max(deepest, len(heap))
    while heap:
        emit()
    return torch.tensor(order, dtype=torch.int64), forced, deepest
