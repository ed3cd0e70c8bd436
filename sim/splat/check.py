"""What the streams between the stages must carry, by the model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from golden.splat.memory_image import aligned_first
from golden.splat.spec import RANGES
from hw.lib.payloads import SortedLayout
from hw.splat.layouts import CandidateLayout, SurvivorLayout, partner_spec
from sim.kernel.compare import Row, StageStream
from sim.splat.workload import SplatWorkload

if TYPE_CHECKING:  # torch is slow to import, and not needed until a frame is compared
    from golden.splat.model import GroupResult, ModelResult


def stage_streams(workload: SplatWorkload, frame: ModelResult) -> dict[str, StageStream]:
    """Candidates, survivors and sorted splats of every group.

    A group that became opaque may be cut short in hardware; what it sent must be right. What waits in the depth sort
    at the cut leaves in an order of its own, so such a group is not judged there. Of a frame that crowds the depth sort
    none is judged: how much of a square that is given up had come through depends on time.
    """
    from golden.splat.model import render  # the frame's own model kept no groups: they are large

    spec = workload.config.spec
    if frame.work.crowded:
        return {}
    groups = render(workload.image, workload.frame, spec, keep_groups=True).groups
    return {
        "coarse_filter": StageStream(
            layout=CandidateLayout(spec, workload.config.fine_units, writes=workload.config.writes_order),
            groups=[_candidates(workload, group) for group in groups],
            end="mark.end", some="mark.some", cut="prefix",
        ),
        "fine_filter": StageStream(
            layout=SurvivorLayout(spec, workload.config.sort_inputs),
            groups=[_survivors(workload, group) for group in groups],
            end="mark.end", some="mark.some", cut="prefix",
        ),
        "depth_sort": StageStream(
            layout=SortedLayout(spec), groups=[list(_splats(group, group.order)) for group in groups],
            end="end", cut="skip",
        ),
    }  # fmt: skip


def _candidates(workload: SplatWorkload, group: GroupResult) -> list[Row]:
    grid = workload.image.grid
    config, books = workload.config, workload.config.spec.codebooks
    shift = np.repeat(aligned_first(workload.image) - grid.first, grid.count)
    numbers = [int(p + shift[p]) for p in group.candidates.tolist()]
    if config.fine_units == 1 or workload.image.sh_degree > partner_spec(config.spec).sh_degree:
        return [{"index": number} for number in numbers]
    # Candidates of one voxel that may go together: those of a row with codebooks, else an even one and the next.
    voxels, together = np.repeat(np.arange(len(grid.count)), grid.count), config.coarse_lanes if books else 2
    places = [(int(voxels[p]), n // together) for p, n in zip(group.candidates.tolist(), numbers, strict=True)]
    rows: list[Row] = []
    before = None  # where the candidate before lies, if it has no partner
    for number, place in zip(numbers, places, strict=True):
        if place == before:
            rows[-1] = {**rows[-1], "partner.there": 1}
            before = None
        else:
            rows.append({"index": number, "partner.there": 0})
            before = place
    return rows


def _survivors(workload: SplatWorkload, group: GroupResult) -> list[Row]:
    order = zip(group.splats.depth.tolist(), group.splats.rank.tolist(), strict=True)
    alone: list[Row] = [
        {"depth": depth, "rank": rank, **row}
        for (depth, rank), row in zip(order, _splats(group, slice(None)), strict=True)
    ]
    if workload.config.sort_inputs == 1:
        return alone
    # What was a pair of candidates goes on as one if both are splats.
    found = dict(zip(group.splats.place.tolist(), alone, strict=True))
    places = iter(group.candidates.tolist())
    rows: list[Row] = []
    for candidate in _candidates(workload, group):
        pair = [next(places) for _ in range(1 + int(candidate.get("partner.there", 0)))]
        splats = [found[place] for place in pair if place in found]
        rows += [{**splats[0], "partner.there": 0}] if len(splats) == 1 else []
        if len(splats) > 1:
            second = {f"partner.{name}": value for name, value in splats[1].items()}
            rows.append({**splats[0], "partner.there": 1, **second})
    return rows


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
