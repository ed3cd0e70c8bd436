"""The voxel grid: a scene cut offline into cubes whose Gaussians lie side by side in memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from golden.errors import InputError
from golden.scenes.scene import Scene

#: Voxels and camera stay within ± this many edges of the middle, so that a camera-space coordinate,
#: at most sqrt(3) · 2**14, fits in s15.16.
MAX_INDEX = 1 << 13
MAX_COUNT = (1 << 16) - 1  # Gaussians of a voxel; a fuller cube becomes several voxels
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


def voxelise(scene: Scene, kept: Ints, edge: float, size_class: Ints | None = None) -> VoxelGrid:
    """Sorts the Gaussians `kept` into cubes of side `edge`; in a cube they keep the scene's order.

    Gaussians of one cube but of different `size_class` ([len(kept)]) become different voxels: a few
    large ones would make the bounds, and so the visits, of all the small ones around them large.

    Raises:
        InputError: the edge is not positive, or so small that a Gaussian lies more than 2**13
            voxels from the scene's middle.
    """
    if not (np.isfinite(edge) and edge > 0):
        raise InputError(f"voxel grid: the voxel edge must be positive, it is {edge}")
    means = scene.means[kept].astype(np.float64)
    origin = np.median(means, axis=0)
    position = (means - origin) / edge
    reach = float(np.abs(position).max())
    if reach >= MAX_INDEX:
        raise InputError(
            f"voxel grid: every Gaussian must lie within {MAX_INDEX} voxels of the middle, at edge {edge:g} "
            f"one lies {reach:.0f} away"
        )
    cell = np.floor(position).astype(np.int64)
    classes = np.zeros(len(kept), np.int64) if size_class is None else size_class
    keys = np.concatenate([cell, classes[:, None]], axis=1)
    keys, which, count = np.unique(keys, axis=0, return_inverse=True, return_counts=True)
    index = keys[:, :3]
    order = np.argsort(which.ravel(), kind="stable")
    parts = -(-count // MAX_COUNT)
    last = np.cumsum(parts) - 1
    index, size = np.repeat(index, parts, axis=0), np.full(last[-1] + 1, MAX_COUNT)
    size[last] = count - (parts - 1) * MAX_COUNT
    count = size
    return VoxelGrid(
        origin=origin,
        edge=edge,
        index=index,
        first=np.cumsum(count) - count,
        count=count,
        order=kept[order],
        position=position[order],
    )


def choose_edge(scene: Scene, kept: Ints, crowd: float) -> float:
    """The edge, a power of 2**¼, at which the average Gaussian shares its voxel with about `crowd` others."""
    means = scene.means[kept].astype(np.float64)
    middle = np.median(means, axis=0)
    reach = max(float(np.abs(means - middle).max()), 1e-30)

    def crowding(edge: float) -> float:
        _, count = np.unique(np.floor((means - middle) / edge).astype(np.int64), axis=0, return_counts=True)
        return float((count**2).sum() / count.sum())

    low, high = np.ceil(4 * np.log2(reach / (MAX_INDEX - 1))), np.ceil(4 * np.log2(reach)) + 4
    while high - low > 1:
        middle_step = np.floor((low + high) / 2)
        if crowding(2.0 ** (middle_step / 4)) < crowd:
            low = middle_step
        else:
            high = middle_step
    return float(2.0 ** (high / 4))
