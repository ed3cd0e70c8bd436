"""The voxel grid: a scene cut offline into cubes whose Gaussians lie side by side in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from golden.errors import InputError
from golden.scenes.scene import Scene

#: Voxels' numbers are 16 bits, signed. `golden.splat.camera_limits` bounds the way to the camera.
MAX_INDEX = 1 << 15
MAX_COUNT = (1 << 16) - 1  # Gaussians of a voxel; a fuller cube becomes several voxels
WIDEST = (1 << 13) - 1  # edges from a scene's middle to its furthest Gaussian where the search for an edge begins …
FURTHER_STEPS = 2  # … and how often it goes on to edges smaller by that factor
WIDEST_CROWD = 4  # no waste makes voxels so many times as crowded as they should be
MAX_LABEL = 1 << 62
Ints = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class VoxelGrid:
    """A regular grid of cubes, empty ones left out.

    Voxel v holds the Gaussians `order[first[v] : first[v] + count[v]]`, which lie in the cube
    origin + edge·[index[v], index[v] + 1).
    """

    origin: Doubles  # [3] world position of the corner of voxel 0 0 0
    edge: float
    index: Ints  # [V, 3]
    first: Ints  # [V]
    count: Ints  # [V]
    order: Ints  # [M] places in the scene
    position: Doubles  # [M, 3] in voxel edges from the origin, in `order`

    def __len__(self) -> int:
        return len(self.index)


def voxelise(
    scene: Scene, kept: Ints, edge: float, size_class: Ints | None = None, *, origin: Doubles | None = None
) -> VoxelGrid:
    """Sorts the Gaussians `kept` into cubes of side `edge`; in a cube they keep the scene's order.

    Gaussians of one cube but of different `size_class` ([len(kept)]) become different voxels: a few
    large ones would make the bounds, and so the visits, of all the small ones around them large.
    `origin` is the corner of voxel 0 0 0, the scene's middle where it is not given.

    Raises:
        InputError: the edge is not positive, or so small that a Gaussian lies more than 2**15
            voxels from the origin.
    """
    if not (np.isfinite(edge) and edge > 0):
        raise InputError(f"voxel grid: the voxel edge must be positive, it is {edge}")
    means = scene.means[kept]
    if origin is None:
        origin = np.median(means, axis=0)
    position = (means - origin) / edge
    reach = float(np.abs(position).max())
    if reach >= MAX_INDEX:
        raise InputError(
            f"voxel grid: every Gaussian must lie within {MAX_INDEX} voxels of the middle, at edge {edge:g} "
            f"one lies {reach:.0f} away"
        )
    cell = np.floor(position).astype(np.int64)
    label = _labels(cell if size_class is None else np.concatenate([cell, size_class[:, None]], axis=1))
    order = np.argsort(label, kind="stable")
    begin = np.flatnonzero(np.diff(label[order], prepend=-1))
    count = np.diff(begin, append=len(order))
    parts = -(-count // MAX_COUNT)
    last = np.cumsum(parts) - 1
    index, size = np.repeat(cell[order[begin]], parts, axis=0), np.full(last[-1] + 1, MAX_COUNT)
    size[last] = count - (parts - 1) * MAX_COUNT
    return VoxelGrid(
        origin=origin,
        edge=edge,
        index=index,
        first=np.cumsum(size) - size,
        count=size,
        order=kept[order],
        position=position[order],
    )


def _labels(rows: Ints) -> Ints:
    """A number for every row of whole numbers, equal for equal rows and in the rows' order; not negative."""
    label = np.zeros(len(rows), np.int64)
    for column in rows.T:
        column = column - column.min()
        if (int(label.max()) + 1) * (int(column.max()) + 1) > MAX_LABEL:
            label, column = (np.unique(values, return_inverse=True)[1] for values in (label, column))
        label = label * (column.max() + 1) + column
    return label


def choose_edge(
    scene: Scene, kept: Ints, crowd: float, *, wasteful: Callable[[Ints], bool] = lambda count: False
) -> float:
    """The least edge, a power of 2**¼, at which the average Gaussian shares its voxel with about `crowd` others.

    Scenes of few Gaussians never crowd like that: a sixteenth of them is enough. So neither a few
    Gaussians nor those that lie far outside make the edge large. Where the voxels' counts are `wasteful`, the edge is
    larger, but not beyond that at which the average Gaussian shares its voxel with `WIDEST_CROWD` · `crowd`.
    """
    means = scene.means[kept]
    means = means - np.median(means, axis=0)
    reach = max(float(np.abs(means).max()), 1e-30)
    crowd = min(crowd, len(kept) / 16)

    def full(step: float) -> bool:
        _, count = np.unique(_labels(np.floor(means / 2.0 ** (step / 4)).astype(np.int64)), return_counts=True)
        crowding = float((count**2).sum() / count.sum())
        return crowding >= crowd and (crowding >= WIDEST_CROWD * crowd or not wasteful(count))

    low, high = np.ceil(4 * np.log2(reach / WIDEST)), np.ceil(4 * np.log2(reach)) + 4
    for _ in range(FURTHER_STEPS):  # all but a few Gaussians lie in a small part of the scene
        if full(low):
            low, high = low - 4 * np.log2(WIDEST + 1), low
    while high - low > 1:
        middle_step = np.floor((low + high) / 2)
        if full(middle_step):
            high = middle_step
        else:
            low = middle_step
    return float(2.0 ** (high / 4))
