"""What the benches of the splatting engine's stages share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from amaranth.lib import data

from golden.splat.spec import Spec
from hw.lib.fields import unpack_nested
from hw.splat.layouts import CandidateLayout, DetailLayout, RowLayout, SurvivorLayout, VisitLayout
from tests.hw.lib.bench import Bench
from tests.hw.splat.datapath import Payload
from tests.hw.splat.workload import Workload


def hold_frame(bench: Bench, header: Mapping[str, int]) -> None:
    """Keeps the device's `frame` at the given values."""
    bench.m.d.comb += [bench.dut.frame[name].eq(value) for name, value in header.items()]


def whole(layout: data.StructLayout, payload: Payload) -> Payload:
    """The payload with every field that it leaves out at zero."""
    return _over(unpack_nested(0, layout), payload)


def _over(zeros: Payload, payload: Payload) -> Payload:
    """`zeros` with the fields that the payload has, whatever their depth."""
    full = dict(zeros)
    for name, value in payload.items():
        full[name] = _over(full[name], value) if isinstance(value, dict) and isinstance(full[name], dict) else value
    return full


def visit_payload(spec: Spec, payload: Payload) -> Payload:
    return whole(VisitLayout(spec), payload)


def candidate_payload(spec: Spec, payload: Payload, units: int = 1) -> Payload:
    return whole(CandidateLayout(spec, units), payload)


def survivor_payload(spec: Spec, payload: Payload, inputs: int = 1) -> Payload:
    return whole(SurvivorLayout(spec, inputs), payload)


def joined(survivors: Sequence[Payload], together: Callable[[], bool]) -> list[Payload]:
    """A survivor and the next one of its voxel as one payload, where `together` says so."""
    result: list[Payload] = []
    free = False  # the last one of `result` has no partner yet, and may have one
    for each in survivors:
        mark = each["mark"]
        if free and mark["some"] and not mark["begin"] and together():
            partner = {name: value for name, value in each.items() if name != "mark"}
            result[-1] = {**result[-1], "partner": {"there": 1, **partner}}
            free = False
        else:
            result.append(each)
            free = bool(mark["some"])
    return result


def detail_payload(w: Workload, candidate: Payload) -> Payload:
    """A candidate with its record."""
    fields: dict[str, Any] = {name: value for name, value in candidate.items() if name != "index"}
    if candidate["mark"]["some"]:
        fields["record"] = w.record(candidate["index"])
    if partner := fields.pop("partner", None):
        known = {"record": w.record(candidate["index"] + 1)} if partner["there"] else {}
        return whole(DetailLayout(w.view.spec, units=2), fields | {"partner": partner | known})
    return whole(DetailLayout(w.view.spec), fields)


def rows_of(w: Workload, visit: Payload, lanes: int) -> list[Payload]:
    """The rows of one voxel; of the halves, those of the lanes in use."""
    if visit["end"]:
        return [{"visit": {"end": 1}, "begin": 0, "mask": 0}]
    rows: list[Payload] = []
    for done in range(0, visit["count"], lanes):
        first, here = visit["first"] + done, min(lanes, visit["count"] - done)
        place = {"visit": visit, "begin": int(done == 0), "index": first, "mask": (1 << here) - 1}
        rows.append(place | {"halves": {k: w.half(first + k) for k in range(here)}})
    return rows


def row_payload(spec: Spec, row: Payload, lanes: int) -> Payload:
    full = whole(RowLayout(spec, lanes), {name: value for name, value in row.items() if name != "halves"})
    for k, half in row.get("halves", {}).items():
        full["halves"][k] = half
    return full
