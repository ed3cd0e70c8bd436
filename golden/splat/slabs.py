"""Depth slabs by the host: a group that would crowd the depth sort is drawn in several passes, near to far.

Each pass streams the voxels that have a Gaussian in its range of depths and takes no other Gaussian
of theirs, so that the survivors that wait fit the buffer and the order stays exact. The price is
that voxels across a cut are streamed again. The engine makes such slabs by itself where the sort is
crowded (`golden.splat.depth_sort`); these, which know all candidates beforehand, are fewer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from golden.splat.frame import Frame, Group
from golden.splat.scene_image import SceneImage
from golden.splat.spec import Spec
from golden.splat.vsu import far_bounds

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Arrivals:
    """A group's candidates in the order in which the coarse filter sends them, and their voxels' bounds as keys."""

    visit: Ints  # [M] position of its voxel in the visiting list
    key: Ints  # [M] sort key
    depth: Ints  # [M] camera_format
    bounds: Ints  # [voxels of the list] ascending

    @cached_property
    def ordered(self) -> Ints:
        """The keys, near to far."""
        return np.sort(self.key)

    @cached_property
    def nearer(self) -> Ints:
        """Of every voxel, how many candidates its bound lets go."""
        return np.searchsorted(self.ordered, self.bounds)

    def most_held(self, low: int, high: int) -> int:
        """Of the candidates with low ≤ key < high, the most that wait at once."""
        first, last = np.searchsorted(self.ordered, (low, high))
        here = self.visit[(self.key >= low) & (self.key < high)]
        arrived = np.bincount(here, minlength=len(self.bounds)).cumsum()
        return int((arrived - (self.nearer.clip(first, last) - first)).max(initial=0))


def in_slabs(image: SceneImage, frame: Frame, spec: Spec) -> Frame:
    """The frame, its groups cut into slabs whose candidates would not all fit the depth sort at some moment.

    What the coarse filter keeps is counted, and the fine filter only takes away from that: no slab overflows, unless
    more candidates than fit share one sort key.
    """
    groups, far = frame.groups, far_bounds(image, frame, spec)
    crowded = [_most_streamed(group, image, frame, far, spec) > spec.sort_capacity for group in groups]
    if not any(crowded):
        return frame
    from golden.threads import undivided_operators  # of torch

    counted = count_arrivals((g for g, many in zip(groups, crowded, strict=True) if many), image, frame, spec)
    result: list[Group] = []
    with undivided_operators():
        for group, many in zip(groups, crowded, strict=True):
            result += _slabs(group, next(counted), spec) if many else [group]
    return replace(frame, groups=tuple(result))


def _most_streamed(group: Group, image: SceneImage, frame: Frame, far: Ints, spec: Spec) -> int:
    """A bound of the survivors that wait at once, as if everything in front of the near plane survived."""
    last = far[group.voxels]
    count = np.where(last > frame.near, image.grid.count[group.voxels], 0)
    order = np.argsort(last)
    # A survivor leaves when its key is below the bound's: at the latest when it is nearer by the width of a key.
    bound = group.depths - (np.maximum(group.depths - frame.near, 0) >> (spec.depth_bits - 5)) - 1
    gone = np.concatenate([[0], count[order].cumsum()])[np.searchsorted(last[order], bound)]
    return int((count.cumsum() - gone).max(initial=0))


def whole_square(group: Group, spec: Spec) -> Group:
    """The whole of a square, whichever of its depth slabs `group` is."""
    return replace(group, low=spec.camera_format.low, high=spec.camera_format.high, continued=False)


def count_arrivals(groups: Iterable[Group], image: SceneImage, frame: Frame, spec: Spec) -> Iterator[Arrivals]:
    """What the coarse filter keeps of each group."""
    import torch  # slow to load and seldom needed here

    from golden.splat.coarse_filter import Candidates, coarse_filter, voxel_fetch
    from golden.splat.depth_key import sort_key

    everything: Candidates | None = None
    for group in groups:
        if everything is None:  # the scene in the order of its image: where its points lie depends on no group
            everything, _ = voxel_fetch(image, frame, replace(group, voxels=np.arange(len(image.grid))), spec)
        first, count = image.grid.first[group.voxels], image.grid.count[group.voxels]
        visit = np.repeat(np.arange(len(count)), count)
        place = np.arange(len(visit)) + (first - (count.cumsum() - count))[visit]
        streamed = everything.select(torch.from_numpy(place))
        kept = coarse_filter(streamed, image, frame, group, spec)
        depth = streamed.point[kept, 2]
        yield Arrivals(
            visit=visit[kept.numpy()],
            key=sort_key(depth, frame, spec).numpy(),
            depth=depth.numpy(),
            bounds=sort_key(torch.from_numpy(group.depths), frame, spec).numpy(),
        )


def _slabs(group: Group, arrivals: Arrivals, spec: Spec) -> list[Group]:
    """The group as entries of the group table; itself where its candidates fit."""
    cuts = list(slab_cuts(arrivals, spec.sort_capacity))
    if not cuts:
        return [group]
    key = arrivals.key
    # Gaussians of one key stay together: a cut lies at the nearest depth of the keys behind it.
    depths = [int(arrivals.depth[key >= cut].min()) for cut in cuts]
    slabs: list[Group] = []
    for k, (low, high) in enumerate(zip([0, *cuts], [*cuts, 1 << spec.depth_bits], strict=True)):
        visited = np.unique(arrivals.visit[(key >= low) & (key < high)])
        slabs.append(
            replace(
                group,
                voxels=group.voxels[visited],
                depths=group.depths[visited],
                low=depths[k - 1] if k else group.low,
                high=depths[k] if k < len(cuts) else group.high,
                continued=k < len(cuts),
            )
        )
    return slabs


def slab_cuts(arrivals: Arrivals, capacity: int) -> Iterator[int]:
    """The keys at which new slabs begin: each slab is as deep as fits, and holds at least one key."""
    distinct = np.unique(arrivals.key).tolist()
    start = 0
    while start < len(distinct) and arrivals.most_held(distinct[start], distinct[-1] + 1) > capacity:
        fits, bursts = start + 1, len(distinct)  # the slab may end before distinct[fits], not before distinct[bursts]
        while bursts - fits > 1:
            middle = (fits + bursts) // 2
            if arrivals.most_held(distinct[start], distinct[middle]) <= capacity:
                fits = middle
            else:
                bursts = middle
        if fits == len(distinct):
            return
        start = fits
        yield distinct[start]
