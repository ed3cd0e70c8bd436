"""The parts of a job's memory: where the engine is told that its tables lie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from golden.kv import memory_map as kv
from golden.lod import memory_map as lod
from golden.radiance import memory_map as radiance
from golden.rows import Field, from_bytes
from golden.splat import memory_map as splat
from sim.kernel.dram_parts import part_lines, part_plusargs, parts_of
from tests.sim.cases import frame, reduction, retrieval, search, sequence


def row(image: Any, fields: Sequence[Field], size: int, address: int = 0) -> dict[str, int]:
    """The fields of a row in the image."""
    return {name: int(column[0]) for name, column in from_bytes(fields, image.data[address:][:size][None]).items()}


def told_kv(image: Any) -> dict[str, int]:
    names = {"token": "token", "query": "query", "near": "near", "far": "far", "log": "log"}
    header = row(image, kv.HEADER, kv.HEADER_BYTES)
    return {part: header[f"{f}_address"] for part, f in {**names, "bitmaps": "select", "gathered": "gather"}.items()}


def told_splat(image: Any) -> dict[str, int]:
    header = row(image, splat.HEADER, splat.HEADER_BYTES)
    header |= row(image, splat.VIEW, splat.VIEW_BYTES, splat.HEADER_BYTES)
    fields = {"groups": "group", "lists": "list", "voxels": "voxel", "coarse": "coarse", "records": "record"}
    return {part: header[f"{f}_address"] for part, f in {**fields, "framebuffer": "frame"}.items()}


def told_lod(image: Any) -> dict[str, int]:
    job = row(image, lod.JOB, lod.LINE_BYTES)
    fields = {"views": "view", "nodes": "tree", "queue": "queue", "state": "state", "cuts": "result"}
    return {part: job[f"{f}_address"] for part, f in fields.items()}


def told_radiance(image: Any) -> dict[str, int]:
    visits = row(image, radiance.JOB, radiance.JOB_BYTES)["visit_address"]
    first = row(image, radiance.VISIT, radiance.VISIT_BYTES, visits)
    fields = {"pixels": "pixel", "caches": "image", "results": "result"}
    return {"visits": visits, **{part: first[f"{f}_address"] for part, f in fields.items()}}


@pytest.mark.parametrize(
    ("case", "told"),
    [(retrieval, told_kv), (frame, told_splat), (search, told_lod), (sequence, told_radiance)],
)
def test_a_part_begins_where_the_engine_finds_its_table(case: Any, told: Any) -> None:
    """Every part but the first, whose row says it."""
    image = case()[1].memory
    (first, begin), *others = parts_of(image).items()
    assert begin == image.header_address
    assert dict(others) == told(image)
    assert first in ("header", "job")


def test_a_collective_has_program_messages_and_results() -> None:
    workload = reduction()[1]
    load, _, store = workload.commands
    assert parts_of(workload.memory) == {"program": 0, "messages": load.external, "results": store.external}


class Parted:
    """A job as far as parts are concerned."""

    def __init__(self, parts: dict[str, int]) -> None:
        self.parts = parts


def test_parts_are_told_in_the_order_of_their_addresses() -> None:
    """The first begins where memory does; a job without any, or without the field, tells nothing."""
    parts = parts_of(Parted({"b": 64, "a": 0, "c": 96}))
    assert list(parts) == ["a", "b", "c"]
    assert part_plusargs(parts) == {"dram_parts": 3, "dram_part_2": 64, "dram_part_3": 96}
    assert part_plusargs(parts_of(Parted({}))) == part_plusargs(parts_of(object())) == {}


def test_nine_parts_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 8 parts, there are 9: 0, 1, 2"):
        parts_of(Parted({str(k): k for k in range(9)}))


def test_the_table_has_what_was_used_and_most_first() -> None:
    counted = {"bursts": 4, "bytes": 128, "row_hits": 3, "row_conflicts": 1, "activations": 2, "queued": 40}
    parts = {"small": counted, "none": dict.fromkeys(counted, 0), "large": {**counted, "bursts": 8, "bytes": 256}}
    large, small = part_lines(parts)
    assert " ".join(large.split()) == "large 256 B 37.5% row hits 1 conflicts 2 activations 5 clocks queued"
    assert small.split()[0] == "small"
