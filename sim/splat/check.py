"""What the streams between the stages must carry, by the model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from golden.splat.memory_image import aligned_first
from golden.splat.memory_map import record_bytes
from golden.splat.spec import RANGES
from hw.lib.payloads import SortedLayout
from hw.splat.layouts import CandidateLayout, SurvivorLayout
from sim.kernel.compare import Row, StageStream
from sim.splat.workload import SplatWorkload

if TYPE_CHECKING:  # torch is slow to import, and not needed until a frame is compared
    from golden.splat.model import GroupResult, ModelResult


def stage_streams(workload: SplatWorkload, _: ModelResult) -> dict[str, StageStream]:
    """Candidates, survivors and sorted splats of every group.

    A group that became opaque may be cut short in hardware; what it sent must be right. What waits in the depth sort
    at the cut leaves in an order of its own, so such a group is not judged there.
    """
    from golden.splat.model import render  # the frame's own model kept no groups: they are large

    spec = workload.config.spec
    groups = render(workload.image, workload.frame, spec, keep_groups=True).groups
    return {
        "coarse_filter": StageStream(
            layout=CandidateLayout(spec, workload.config.fine_units),
            groups=[_candidates(workload, group) for group in groups],
            end="mark.end", some="mark.some", cut="prefix",
        ),
        "fine_filter": StageStream(
            layout=SurvivorLayout(spec), groups=[_survivors(group) for group in groups],
            end="mark.end", some="mark.some", cut="prefix",
        ),
        "depth_sort": StageStream(
            layout=SortedLayout(spec), groups=[list(_splats(group, group.order)) for group in groups],
            end="end", cut="skip",
        ),
    }  # fmt: skip


def _candidates(workload: SplatWorkload, group: GroupResult) -> list[Row]:
    grid = workload.image.grid
    shift = np.repeat(aligned_first(workload.image) - grid.first, grid.count)
    numbers = [int(p + shift[p]) for p in group.candidates.tolist()]
    records = workload.config.word_bytes // record_bytes(workload.image.sh_degree)
    if workload.config.fine_units == 1 or records == 1:
        return [{"index": number} for number in numbers]
    found = set(numbers)
    return [
        {"index": n, "partner.there": int(n + 1 in found and n % 2 == 0)}
        for n in numbers
        if n % 2 == 0 or n - 1 not in found
    ]


def _survivors(group: GroupResult) -> list[Row]:
    rows = _splats(group, slice(None))
    order = zip(group.splats.depth.tolist(), group.splats.rank.tolist(), strict=True)
    return [{"depth": depth, "rank": rank, **row} for (depth, rank), row in zip(order, rows, strict=True)]


def _splats(group: GroupResult, order: Any) -> Iterator[Row]:
    splats = group.splats.select(order)
    for i in range(len(splats)):
        yield {
            "splat.mean.0": int(splats.mean[i, 0]),
            "splat.mean.1": int(splats.mean[i, 1]),
            "splat.mean_exponent": int(splats.mean_exponent[i]),
            **{f"splat.conic.{k}": int(splats.conic[i, k]) for k in range(3)},
            "splat.conic_shift": int(splats.conic_shift[i]),
            "splat.opacity": int(splats.opacity[i]),
            **{f"splat.color.{k}": int(splats.color[i, k]) for k in range(3)},
            **{
                f"touch.{name}.{end}": int(splats.touch[i, k, side])
                for k, name in enumerate(RANGES)
                for side, end in enumerate(("first", "last"))
            },
            "touch.direction": int(splats.slant[i]),
        }
