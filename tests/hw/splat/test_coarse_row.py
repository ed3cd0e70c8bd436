"""A row of coarse lanes: survivors of every row of a group, with what its voxel is marked by."""

from __future__ import annotations

import pytest

from golden.splat.coarse_filter import coarse_filter, voxel_fetch
from hw.splat.coarse_row import CoarseRow
from tests.hw.splat.datapath import Payload, answers, same
from tests.hw.splat.streams import row_payload, rows_of
from tests.hw.splat.workload import group_inputs, workload


@pytest.mark.parametrize(("lanes", "interval"), [(1, 1), (2, 1), (4, 1), (8, 1), (1, 4), (4, 2)])
def test_every_row_of_a_group(lanes: int, interval: int) -> None:
    """Mask and centres lane by lane; a row is kept if it has a survivor, begins a voxel or ends the group."""
    w = workload()
    v, group = w.view, w.groups[3]
    streamed, _ = voxel_fetch(v.image, v.frame, group, v.spec)
    kept = coarse_filter(streamed, v.image, v.frame, group, v.spec).tolist()
    known = group_inputs(group)
    rows: list[Payload] = []
    wanted: list[Payload] = []
    number = 0  # of the Gaussian on lane 0
    for visit in w.visits(group):
        for row in rows_of(w, visit, lanes):
            rows.append({"row": row_payload(v.spec, row, lanes), **known})
            here = range(number, number + row["mask"].bit_count())
            number = here.stop
            mask = sum(kept[n] << lane for lane, n in enumerate(here))
            some, begin, end = int(mask > 0), row["begin"], visit["end"]
            expected: Payload = {
                "mask": mask,
                "keep": some | begin | end,
                "mark": {"some": some, "begin": begin, "end": end},
            }
            if not end:
                expected["index"] = row["index"]
                expected["mark"]["bound"] = visit["bound"]
                expected["points"] = {lane: streamed.point[n].tolist() for lane, n in enumerate(here)}
                expected["relatives"] = {lane: streamed.relative[n].tolist() for lane, n in enumerate(here)}
            wanted.append(expected)
    keeps = [row["keep"] for row in wanted]
    assert number == len(streamed)
    assert lanes > 1 or 10 < sum(keeps) < len(keeps) - 10
    same(answers(CoarseRow(spec=v.spec, lanes=lanes, interval=interval), rows, header=w.header), wanted)
