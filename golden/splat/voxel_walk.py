"""StreamingGS's voxel order: rays through the grid, a graph of what lies behind what, Kahn's order of it.

The second source of visiting lists, for comparison: voxels whose cube no ray of the group meets are
not visited, though their Gaussians may reach the group, and survivors are sorted only among those
of their own voxel (`model.render` with `held_back=False`). Integers throughout, as hardware would
walk: crossings are compared by products, not divided.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from golden.splat.frame import Frame, Group
from golden.splat.scene_image import SceneImage
from golden.splat.spec import CAMERA_FRACTION, RECIPROCAL_BITS, Spec
from golden.splat.vsu import near_bounds

Ints = npt.NDArray[np.int64]
TANGENT_FRACTION = 16  # of a ray's slopes


@dataclass(frozen=True, kw_only=True)
class Graph:
    """Of the cells that a group's rays meet: which comes directly behind which on some ray."""

    cells: Ints  # [N] numbers of cells, ascending
    edges: Ints  # [E, 2] from the nearer to the further one, each once


@dataclass(frozen=True, kw_only=True)
class WalkedFrame:
    """A frame whose lists are in the order of the graphs."""

    frame: Frame
    guarded: int  #: cells that a cycle held, emitted all the same; summed over groups
    unmet: int  #: voxels that may reach a group whose rays do not meet them, and which it does not visit


def walk(image: SceneImage, frame: Frame, spec: Spec) -> WalkedFrame:
    """The frame, every list in the order of its group's graph; a depth bounds its voxel and all later ones."""
    bounds = near_bounds(image, frame, spec)
    cells, cell = np.unique(image.grid.index, axis=0, return_inverse=True)
    members = np.argsort(cell.reshape(-1), kind="stable")
    first = np.searchsorted(cell.reshape(-1)[members], np.arange(len(cells) + 1))
    groups: list[Group] = []
    guarded = unmet = 0
    for group in frame.groups:
        order, cycles = kahn_order(ray_graph(cells, frame, group, spec))
        voxels = np.concatenate([members[first[c] : first[c + 1]] for c in order] or [np.zeros(0, np.int64)])
        later = np.minimum.accumulate(bounds[voxels][::-1])[::-1].copy()
        groups.append(replace(group, voxels=voxels, depths=later))
        guarded += cycles
        unmet += len(np.setdiff1d(group.voxels, voxels))
    return WalkedFrame(frame=replace(frame, groups=tuple(groups)), guarded=guarded, unmet=unmet)


def kahn_order(graph: Graph) -> tuple[list[int], int]:
    """The cells, each once and none before a predecessor, first come first served; and how many break that.

    Where a cycle leaves none without a predecessor, the lowest number of those that are left goes next.
    """
    successors: dict[int, list[int]] = {int(c): [] for c in graph.cells}
    degree = dict.fromkeys(successors, 0)
    for a, b in graph.edges.tolist():
        successors[a].append(b)
        degree[b] += 1
    ready = deque(c for c, count in degree.items() if count == 0)
    order: list[int] = []
    emitted: set[int] = set()
    left: Iterable[int] = iter(degree)
    guarded = 0
    while len(order) < len(degree):
        if ready:
            cell = ready.popleft()
        else:
            cell = next(c for c in left if c not in emitted)
            guarded += 1
        if cell in emitted:
            continue
        emitted.add(cell)
        order.append(cell)
        for behind in successors[cell]:
            degree[behind] -= 1
            if degree[behind] == 0 and behind not in emitted:
                ready.append(behind)
    return order, guarded


@dataclass(kw_only=True)
class _Rays:
    """Rays on their way through the grid."""

    here: Ints  # [P, 3] the cell of each
    away: Ints  # [P, 3] to the next crossing of each axis, along it, in steps of position
    pace: Ints  # [P, 3] magnitudes of the direction
    step: Ints  # [P, 3] +1 or -1, by its sign
    before: Ints  # [P] number of the last cell that was met, -1 for none

    def select(self, kept: npt.NDArray[np.bool_]) -> _Rays:
        return _Rays(**{name: values[kept] for name, values in vars(self).items()})

    def beyond(self, low: Ints, high: Ints) -> npt.NDArray[np.bool_]:
        """Those that never come back to the cells from `low` to `high`."""
        past = np.where(self.step > 0, self.here > high, self.here < low)
        beside = (self.pace == 0) & ((self.here < low) | (self.here > high))
        return (past | beside).any(axis=1)

    def cross(self) -> None:
        """Moves each on to its next cell."""
        rows, axis = np.arange(len(self.here)), _next_axis(self.away, self.pace)
        self.here[rows, axis] += self.step[rows, axis]
        self.away[rows, axis] += 1 << CAMERA_FRACTION


def ray_graph(cells: Ints, frame: Frame, group: Group, spec: Spec) -> Graph:
    """Walks the group's rays, one through every pixel's middle, from cell to cell of the grid."""
    direction = ray_directions(frame, group, spec)
    start = frame.position >> CAMERA_FRACTION
    inside = frame.position - (start << CAMERA_FRACTION)
    forward = direction > 0
    rays = _Rays(
        here=np.repeat(start[None], len(direction), axis=0),
        away=np.where(forward, (1 << CAMERA_FRACTION) - inside, inside),
        pace=np.abs(direction),
        step=np.where(forward, 1, -1),
        before=np.full(len(direction), -1),
    )
    low, high = cells.min(axis=0), cells.max(axis=0)
    known = {tuple(c): n for n, c in enumerate(cells.tolist())}
    edges: set[tuple[int, int]] = set()
    met: set[int] = set()
    while True:
        rays = rays.select(~rays.beyond(low, high))
        if not len(rays.here):
            break
        number = _look_up(known, rays.here, low, high)
        found = number >= 0
        met |= set(number[found].tolist())
        pairs = found & (rays.before >= 0)
        edges |= set(zip(rays.before[pairs].tolist(), number[pairs].tolist(), strict=True))
        rays.before = np.where(found, number, rays.before)
        rays.cross()
    return Graph(cells=np.array(sorted(met), np.int64), edges=np.array(sorted(edges), np.int64).reshape(-1, 2))


def _look_up(known: dict[tuple[int, ...], int], here: Ints, low: Ints, high: Ints) -> Ints:
    """The number of each place's cell, -1 where it is empty."""
    number = np.full(len(here), -1)
    within = np.flatnonzero(((here >= low) & (here <= high)).all(axis=1))
    if len(within):
        places, which = np.unique(here[within], axis=0, return_inverse=True)
        number[within] = np.array([known.get(tuple(p), -1) for p in places.tolist()])[which.reshape(-1)]
    return number


def _next_axis(away: Ints, pace: Ints) -> Ints:
    """The axis that each ray crosses next, away / pace being least; the first one of equals."""
    axis = np.zeros(len(away), np.int64)
    rows = np.arange(len(away))
    for other in (1, 2):
        sooner = away[:, other] * pace[rows, axis] < away[rows, axis] * pace[:, other]
        axis = np.where((pace[:, other] > 0) & (sooner | (pace[rows, axis] == 0)), other, axis)
    return axis


def ray_directions(frame: Frame, group: Group, spec: Spec) -> Ints:
    """World directions of the rays through the middles of the group's pixels on the image, [P, 3], s2.16."""
    tangents = []
    for axis, (corner, end) in enumerate(((group.corner_x, frame.camera.width), (group.corner_y, frame.camera.height))):
        pixel = np.arange(corner, min(corner + spec.group_size, end))
        code, exponent = frame.reciprocal[axis]
        place = (2 * pixel + 1 << spec.screen_fraction - 1) - frame.principal[axis]
        tangents.append(place * code >> RECIPROCAL_BITS + exponent + spec.screen_fraction - TANGENT_FRACTION)
    y, x = (t.reshape(-1) for t in np.meshgrid(tangents[1], tangents[0], indexing="ij"))
    rays = np.stack([x, y, np.full(len(x), 1 << TANGENT_FRACTION)], axis=1)
    return rays @ frame.rotation >> spec.rotation_format.fraction
