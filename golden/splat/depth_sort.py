"""Depth sort: a survivor leaves only when no unvisited voxel of the group can hold a nearer centre."""

from __future__ import annotations

import heapq

import torch
from torch import Tensor

from golden.splat.spec import Spec


def depth_sort(key: Tensor, visit: Tensor, bounds: Tensor, spec: Spec) -> tuple[Tensor, int, int]:
    """The order in which survivors reach the rasteriser.

    Survivors arrive in order; number i has the sort key `key[i]` and came from the `visit[i]`-th
    voxel of the list, whose near bound (as a sort key) is `bounds[visit[i]]`. The banks hold
    `sort_capacity` survivors. When a voxel begins, all that is nearer than its bound leaves, nearest
    first (equal keys: first come). When a survivor finds all banks full, the nearest leaves although
    it may not be safe.

    Returns:
        the order [M]; how many left unsafely; the largest number that waited at once.
    """
    keys, visits, limits = key.tolist(), visit.tolist(), bounds.tolist()
    heap: list[tuple[int, int]] = []
    order: list[int] = []
    forced = deepest = 0

    def emit() -> None:
        order.append(heapq.heappop(heap)[1])

    current = -1
    for index, depth in enumerate(keys):
        if visits[index] != current:
            current = visits[index]
            while heap and heap[0][0] < limits[current]:
                emit()
        if len(heap) == spec.sort_capacity:
            emit()
            forced += 1
        heapq.heappush(heap, (depth, index))
        deepest = max(deepest, len(heap))
    while heap:
        emit()
    return torch.tensor(order, dtype=torch.int64), forced, deepest
