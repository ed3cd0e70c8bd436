from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from amaranth.lib import data, wiring

from golden.splat.spec import TINY
from hw.lib.fields import fields_of_layout, pack
from hw.lib.payloads import SortedLayout
from hw.splat.coarse_filter import CoarseFilter
from hw.splat.config import Config, tiny
from hw.splat.depth_sort import DepthSort
from hw.splat.fine_filter import FineFilter
from hw.splat.layouts import CandidateLayout, DetailLayout, RowLayout, SurvivorLayout
from hw.splat.row_layouts import group_layout, header_layout
from sim.kernel.runner import SimulationError
from sim.kernel.stages import Expected, run_stage
from tests.hw.splat.datapath import Payload
from tests.hw.splat.streams import detail_payload, row_payload, rows_of, survivor_payload, whole
from tests.hw.splat.workload import workload

CONFIG = replace(tiny(), coarse_lanes=2)
#: Two banks of 7 places: survivors leave by force again and again.
SMALL_SORT = replace(tiny(), spec=replace(TINY, sort_levels=3, sort_banks=2))
GROUPS = range(6)
PAUSES = [(0.0, 0.0), (0.5, 0.0), (0.0, 0.6), (0.3, 0.4)]  # chances of driver and monitor
SPEC, WORK = CONFIG.spec, workload()


def named(layout: data.Layout, payload: Payload, prefix: str = "") -> int:
    """The bits of the fields that the payload names; the others may have any value."""
    mask = 0
    for name, value in payload.items():
        inner = f"{prefix}{name}"
        if isinstance(value, dict):
            mask |= named(layout, value, f"{inner}.")
        else:
            places = [f for f in fields_of_layout(layout) if f[0] == inner or f[0].startswith(f"{inner}.")]
            mask |= sum((1 << width) - 1 << offset for _, offset, width, _ in places)
    return mask


def expect(layout: Any, payloads: Sequence[Payload]) -> Expected:
    return Expected(
        layout=layout,
        payloads=[pack(layout, whole(layout, p)) for p in payloads],
        masks=[named(layout, p) for p in payloads],
    )


Stage = tuple[Callable[[], wiring.Component], Config, dict[str, list[int]], Expected]


def coarse_filter() -> Stage:
    visits = [visit for n in GROUPS for visit in WORK.visits(WORK.groups[n])]
    rows = [row_payload(SPEC, row, 2) for visit in visits for row in rows_of(WORK, visit, 2)]
    inputs = {"i": [pack(RowLayout(SPEC, 2), row) for row in rows]}
    sent = [payload for n in GROUPS for payload, _ in WORK.candidates(WORK.groups[n], 2)]
    return lambda: CoarseFilter(config=CONFIG), CONFIG, inputs, expect(CandidateLayout(SPEC), sent)


def fine_filter() -> Stage:
    candidates = [detail_payload(WORK, c) for n in GROUPS for c, _ in WORK.candidates(WORK.groups[n])]
    inputs = {"i": [pack(DetailLayout(SPEC), candidate) for candidate in candidates]}
    sent = [survivor for n in GROUPS for survivor in WORK.survivors(WORK.groups[n])]
    return lambda: FineFilter(config=CONFIG), CONFIG, inputs, expect(SurvivorLayout(SPEC), sent)


def depth_sort() -> Stage:
    spec = SMALL_SORT.spec
    survivors = [survivor_payload(spec, s) for n in GROUPS for s in WORK.survivors(WORK.groups[n])]
    sent = [payload for n in GROUPS for payload in WORK.drawn(WORK.groups[n], spec)]
    assert sent != [payload for n in GROUPS for payload in WORK.drawn(WORK.groups[n])], "nothing left by force"
    inputs = {"i": [pack(SurvivorLayout(spec), s) for s in survivors]}
    return lambda: DepthSort(config=SMALL_SORT), SMALL_SORT, inputs, expect(SortedLayout(spec), sent)


#: The fine filter's simulator takes long to build.
STAGES = [coarse_filter, pytest.param(fine_filter, marks=pytest.mark.slow), depth_sort]


def run(stage: Callable[[], Stage], seed: int, pauses: tuple[float, float], *, spoil: int | None = None) -> None:
    """All six groups of a small frame through the stage; `spoil` inverts a payload's lowest bit that counts."""
    make, config, inputs, expected = stage()
    assert expected.masks
    assert len(expected.payloads) > 200
    if stage is depth_sort:
        constants = {"cuts": 0, "high": 0, "purge": 0}
    else:
        constants = {"frame": pack(header_layout(), WORK.header)}
        inputs["groups"] = [pack(group_layout(), WORK.entries[n]) for n in GROUPS]
    if spoil is not None:
        payloads = list(expected.payloads)
        payloads[spoil] ^= expected.masks[spoil] & -expected.masks[spoil]
        expected = replace(expected, payloads=payloads)
    run_stage(
        make,
        stage.__name__,
        config,
        inputs=inputs,
        outputs={"o": expected},
        constants=constants,
        pause_in=pauses[0],
        pause_out=pauses[1],
        seed=seed,
        settle=8,
    )


@pytest.mark.parametrize("pauses", PAUSES)
@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_equals_its_model(stage: Callable[[], Stage], seed: int, pauses: tuple[float, float]) -> None:
    """Every payload of six groups in order, every bit that means something, whatever the pauses."""
    run(stage, seed, pauses)


@pytest.mark.parametrize("stage", STAGES)
def test_one_wrong_bit_is_found(stage: Callable[[], Stage], seed: int) -> None:
    """A payload that is expected otherwise in one bit fails the run, and is named with its place."""
    with pytest.raises(SimulationError, match=r"o: payload 90, cycle \d+: of \d+ payloads 1 differ"):
        run(stage, seed, (0.2, 0.2), spoil=90)
