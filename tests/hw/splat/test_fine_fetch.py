"""Fine fetch: every candidate gets its own record, whatever the sizes of records and words."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest

from golden.splat.memory_map import INDEX_RECORD_BYTES, index_record, record, record_bytes
from hw.splat.config import tiny
from hw.splat.fine_fetch import FineFetch
from hw.splat.layouts import CandidateLayout
from tests.golden.splat.rows import row
from tests.hw.lib.bench import Bench
from tests.hw.lib.byte_memory import ByteMemory
from tests.hw.splat.datapath import Payload, same
from tests.hw.splat.streams import candidate_payload, hold_frame, whole

RECORDS = 96
ADDRESS = 1024  # of the records


def candidates(rng: Random, count: int) -> list[Payload]:
    """Runs of neighbours, jumps, the same record twice, bare marks, and the ends of three groups."""
    result: list[Payload] = []
    index = 0
    for n in range(count):
        index = rng.choice([index, min(index + 1, RECORDS - 1), min(index + 2, RECORDS - 1), rng.randrange(RECORDS)])
        opens = n % (count // 3) == 0  # a group: its first word is read again, the frame may be another
        index = result[-2]["index"] if opens and n else index
        mark = {
            "some": int(opens or rng.random() < 0.85),
            "begin": rng.getrandbits(1),
            "end": 0,
            "bound": rng.getrandbits(20),
        }
        if n % (count // 3) == count // 3 - 2:
            mark["some"] = 1
        if n % (count // 3) == count // 3 - 1:
            mark = {"some": 0, "begin": 0, "end": 1, "bound": 0}
        vectors = {name: [rng.randrange(-(1 << 31), 1 << 31) for _ in range(3)] for name in ("point", "relative")}
        result.append({"mark": mark, "index": index, **vectors})
    return result


def joined(spec_record: list, candidate: Payload, content: bytes, size: int) -> Payload:
    """The candidate without its number, with what lies in memory under that number."""
    if not candidate["mark"]["some"]:
        return {"mark": candidate["mark"]}
    data = np.frombuffer(content, np.uint8)
    found = row(data, spec_record, ADDRESS + candidate["index"] * size, size)
    return {name: candidate[name] for name in ("mark", "point", "relative")} | {"record": found}


@pytest.mark.parametrize(("width", "get"), [(128, 0.3), (512, 0)])
def test_what_a_list_needs_goes_along(width: int, get: float, seed: int) -> None:
    """With `shared_sort`: a candidate's number and its radius beside its record."""
    rng = Random(f"{seed} {width}")
    config = replace(tiny(), memory_width=width, shared_sort=1)
    size = record_bytes(1)
    content = rng.randbytes(ADDRESS + RECORDS * size)
    dut = FineFetch(config=config)
    bench = Bench(dut, seed=seed)
    hold_frame(bench, {"sh_degree": 1, "record_address": ADDRESS})
    ByteMemory(bench, dut.memory, content, latency=6)
    bare = {"mark": {"some": 0, "begin": 1, "end": 0, "bound": 7}}
    inputs = [bare, bare, *({**c, "radius": rng.randrange(128)} for c in candidates(rng, 30))]
    layout = CandidateLayout(config.spec, writes=True)
    bench.source(dut.i, [whole(layout, c) for c in inputs], stall=get)
    log = bench.sink(dut.o, len(inputs), stall=get)
    bench.run(drain=20)
    wanted = [joined(record(config.spec, 1), c, content, size) for c in inputs]
    listed = [{"number": c["index"], "radius": c["radius"]} if c["mark"]["some"] else {} for c in inputs]
    same(log.values, [one | two for one, two in zip(wanted, listed, strict=True)])


@pytest.mark.parametrize(("degree", "scene_degree"), [(0, 0), (1, 0), (1, 1), (2, 2), (3, 0), (3, 1), (3, 3)])
@pytest.mark.parametrize(
    ("width", "put", "memory", "get"), [(128, 0.2, 0.4, 0.3), (256, 0, 0, 0), (512, 0.2, 0.2, 0.4)]
)
def test_records(degree: int, scene_degree: int, width: int, put: float, memory: float, get: float, seed: int) -> None:
    """Several records in a word, one, or several words a record: the fields that the scene's degree defines."""
    rng = Random(f"{seed} {degree} {width}")
    spec = replace(tiny().spec, sh_degree=degree)
    size = record_bytes(scene_degree)
    content = rng.randbytes(ADDRESS + RECORDS * size)
    dut = FineFetch(config=replace(tiny(), spec=spec, memory_width=width))
    bench = Bench(dut, seed=seed)
    hold_frame(bench, {"sh_degree": scene_degree, "record_address": ADDRESS})
    port = ByteMemory(bench, dut.memory, content, latency=6, stall=memory)
    bare = {"mark": {"some": 0, "begin": 1, "end": 0, "bound": 7}}
    inputs = [bare, bare, *candidates(rng, 60)]  # the frame is there long before the first candidate
    bench.source(dut.i, [candidate_payload(spec, c) for c in inputs], stall=put)
    log = bench.sink(dut.o, len(inputs), stall=get)
    bench.run(drain=20)
    same(log.values, [joined(record(spec, scene_degree), c, content, size) for c in inputs])
    # A word that the candidate before has is not read again.
    words = [
        c["index"] * size * 8 // width if c["mark"]["some"] else None
        for c in inputs
        if c["mark"]["some"] or c["mark"]["end"]
    ]
    fresh = sum(word is not None and (k == 0 or word != words[k - 1]) for k, word in enumerate(words))
    assert len(port.bursts) == fresh


@pytest.mark.parametrize("width", [128, 512])
@pytest.mark.parametrize(("put", "memory", "get"), [(0, 0, 0), (0.3, 0.2, 0.4)])
def test_records_of_indices(width: int, put: float, memory: float, get: float, seed: int) -> None:
    """With codebooks: 8 bytes whatever the scene's degree, and the number as the rank."""
    rng = Random(f"{seed} {width}")
    spec = replace(tiny().spec, codebooks=1)
    content = rng.randbytes(ADDRESS + RECORDS * INDEX_RECORD_BYTES)
    dut = FineFetch(config=replace(tiny(), spec=spec, memory_width=width))
    bench = Bench(dut, seed=seed)
    hold_frame(bench, {"sh_degree": 3, "record_address": ADDRESS})
    port = ByteMemory(bench, dut.memory, content, latency=6, stall=memory)
    bare = {"mark": {"some": 0, "begin": 1, "end": 0, "bound": 7}}
    inputs = [bare, bare, *candidates(rng, 90)]
    bench.source(dut.i, [candidate_payload(spec, c) for c in inputs], stall=put)
    log = bench.sink(dut.o, len(inputs), stall=get)
    bench.run(drain=20)
    expected = [joined(index_record(spec), c, content, INDEX_RECORD_BYTES) for c in inputs]
    for mine, candidate in zip(expected, inputs, strict=True):
        if candidate["mark"]["some"]:
            mine["rank"] = candidate["index"]
    same(log.values, expected)
    assert all(length == 1 for _, length in port.bursts)
    assert len(port.bursts) < sum(c["mark"]["some"] for c in inputs)


@pytest.mark.parametrize(("scene_degree", "books"), [(0, 0), (1, 0), (0, 1)])
@pytest.mark.parametrize(("put", "memory", "get"), [(0, 0, 0), (0.3, 0.2, 0.4)])
def test_pairs(scene_degree: int, books: int, put: float, memory: float, get: float, seed: int) -> None:
    """Two fine units: a candidate's partner gets its record, of the same word, which is read once.

    It lies behind the candidate's, with codebooks up to three records behind.
    """
    rng = Random(f"{seed} {scene_degree}")
    spec = replace(tiny().spec, codebooks=books)
    config = replace(tiny(), spec=spec, memory_width=512, coarse_lanes=4 if books else 2, fine_units=2)
    size = INDEX_RECORD_BYTES if books else record_bytes(scene_degree)
    content = rng.randbytes(ADDRESS + RECORDS * size)
    dut = FineFetch(config=config)
    bench = Bench(dut, seed=seed)
    hold_frame(bench, {"sh_degree": scene_degree, "record_address": ADDRESS})
    port = ByteMemory(bench, dut.memory, content, latency=6, stall=memory)
    bare = {"mark": {"some": 0, "begin": 1, "end": 0, "bound": 7}}
    inputs: list[Payload] = [bare, bare]
    for candidate in candidates(rng, 90):
        room = config.coarse_lanes - 1 - candidate["index"] % config.coarse_lanes  # of its row, behind it
        there = candidate["mark"]["some"] and room and rng.random() < 0.6
        vectors = {name: [rng.randrange(-(1 << 31), 1 << 31) for _ in range(3)] for name in ("point", "relative")}
        behind = {"behind": rng.randint(1, room)} if there and books else {}
        inputs.append(candidate | {"partner": {"there": 1, **behind, **vectors} if there else {"there": 0}})
    bench.source(dut.i, [candidate_payload(config.spec, c, units=2) for c in inputs], stall=put)
    log = bench.sink(dut.o, len(inputs), stall=get)
    bench.run(drain=20)
    fields = index_record(spec) if books else record(spec, scene_degree)
    expected = [joined(fields, c, content, size) for c in inputs]
    for mine, candidate in zip(expected, inputs, strict=True):
        if (partner := dict(candidate.get("partner", {}))).get("there"):
            number = candidate["index"] + partner.pop("behind", 1)
            behind = row(np.frombuffer(content, np.uint8), fields, ADDRESS + number * size, size)
            mine["partner"] = partner | {"record": behind} | ({"rank": number} if books else {})
        elif partner:
            mine["partner"] = partner
    same(log.values, expected)
    assert sum(c.get("partner", {}).get("there", 0) for c in inputs) > 10
    assert all(length == 1 for _, length in port.bursts)
    assert len(port.bursts) < sum(c["mark"]["some"] for c in inputs)
