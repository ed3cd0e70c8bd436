"""RTL against model: the first word that differs, stage by stage."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from golden.splat.memory_image import aligned_first
from hw.lib.fields import unpack
from hw.lib.payloads import SortedLayout
from hw.splat.layouts import CandidateLayout, SurvivorLayout
from sim.workloads.splat import RtlFrame, SplatWorkload, run_rtl

if TYPE_CHECKING:  # torch is slow to import, and not needed until a frame is compared
    from golden.splat.model import GroupResult, ModelResult


class CheckError(RuntimeError):
    """RTL and model differ; the message names stage, index, expected and got."""


def check_frame(workload: SplatWorkload, rtl: RtlFrame, model: ModelResult) -> None:
    """Compares every byte of the frame.

    Raises:
        CheckError: one differs. The frame is run again with the stages' streams recorded, and the
            message names the first stage that differs.
    """
    expected = model.image.numpy()
    wrong = np.argwhere(rtl.pixels != expected)
    if len(wrong) == 0:
        return
    y, x, channel = (int(v) for v in wrong[0])
    message = (
        f"framebuffer: pixel x={x} y={y} {'rgba'[channel]}: expected {expected[y, x, channel]}, "
        f"got {rtl.pixels[y, x, channel]}"
    )
    raise CheckError(_first_stage(workload) or message)


def _first_stage(workload: SplatWorkload) -> str | None:
    """Runs with taps and names the first difference of the earliest stage that has one."""
    from golden.splat import model  # torch: only in this process, and only when something is wrong

    expected = model.render(workload.image, workload.frame, workload.config.spec, keep_groups=True).groups
    taps = run_rtl(workload, taps=True).job.taps
    spec = workload.config.spec
    stages = {
        "coarse_filter": (CandidateLayout(spec), _expected_candidates),
        "fine_filter": (SurvivorLayout(spec), _expected_survivors),
        "depth_sort": (SortedLayout(spec), _expected_sorted),
    }
    for stage, (layout, expect) in stages.items():
        difference = _compare(stage, _recorded(taps[stage], layout), [expect(workload, group) for group in expected])
        if difference:
            return difference
    return None


Row = dict[str, int]


def _recorded(path: Path, layout: Any) -> list[list[Row]]:
    """The payloads with a Gaussian, group by group."""
    groups: list[list[Row]] = [[]]
    for line in path.read_text().split():
        row = unpack(int(line, 16), layout)
        if row.get("mark.end", row.get("end", 0)):
            groups.append([])
        elif row.get("mark.some", 1):
            groups[-1].append(row)
    return groups


def _compare(stage: str, got: list[list[Row]], expected: list[list[Row]]) -> str | None:
    """A group that became opaque may be cut short in hardware; what it sent must be right.

    What waits in the depth sort at the cut leaves in an order of its own, so such a group is not judged there.
    """
    for number, rows in enumerate(expected):
        sent = got[number] if number < len(got) else []
        if stage == "depth_sort" and len(sent) < len(rows):
            continue
        for index, row in enumerate(sent):
            if index >= len(rows):
                return f"{stage}: group {number} index {index}: expected nothing, got {row}"
            for field, value in rows[index].items():
                if row[field] != value:
                    return f"{stage}: group {number} index {index} {field}: expected {value}, got {row[field]}"
    return None


def _expected_candidates(workload: SplatWorkload, group: GroupResult) -> list[Row]:
    grid = workload.image.grid
    shift = np.repeat(aligned_first(workload.image) - grid.first, grid.count)
    return [{"index": int(p + shift[p])} for p in group.candidates.tolist()]


def _splat_rows(group: GroupResult, order: Any) -> Iterator[Row]:
    splats = group.splats.select(order)
    masks = splats.mask.numpy()
    for i in range(len(splats)):
        yield {
            "splat.mean.0": int(splats.mean[i, 0]),
            "splat.mean.1": int(splats.mean[i, 1]),
            **{f"splat.conic.{k}": int(splats.conic[i, k]) for k in range(3)},
            "splat.conic_shift": int(splats.conic_shift[i]),
            "splat.opacity": int(splats.opacity[i]),
            **{f"splat.color.{k}": int(splats.color[i, k]) for k in range(3)},
            "splat.mask": sum(1 << int(bit) for bit in np.flatnonzero(masks[i])),
        }


def _expected_survivors(workload: SplatWorkload, group: GroupResult) -> list[Row]:
    everything = slice(None)
    rows = _splat_rows(group, everything)
    return [{"depth": int(depth), **row} for depth, row in zip(group.splats.depth.tolist(), rows, strict=True)]


def _expected_sorted(workload: SplatWorkload, group: GroupResult) -> list[Row]:
    return list(_splat_rows(group, group.order))
