"""Every block of the voxel sorting unit equals the model's function, also at the ends of its number ranges."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from golden.splat.memory_image import build_memory_image
from golden.splat.spec import DEFAULT, LIST_SLACK, TINY, Spec
from hw.lib.fields import unpack_nested
from hw.splat.config import tiny
from hw.splat.cross_test import CrossTest
from hw.splat.dot_unit import DotUnit
from hw.splat.side_test import SideTest
from hw.splat.side_unit import SideUnit
from hw.splat.side_writer import SideWriter
from hw.splat.view_fetch import ViewFetch
from hw.splat.voxel_layouts import NORMAL_WIDTH
from hw.splat.voxel_place import VoxelPlace
from hw.splat.voxel_reach import VoxelReach
from tests.golden.splat.cases import CASES, case
from tests.golden.splat.rows import header_of, places_of, view_of
from tests.hw.lib.bench import Bench, Log
from tests.hw.lib.byte_memory import ByteMemory
from tests.hw.splat.datapath import Payload, answers, same
from tests.hw.splat.placed import fill, placed, reached, table, windowed
from tests.hw.splat.streams import hold_frame, whole
from tests.hw.splat.workload import workload_of

BITS = 7
WIDE = [(1 << NORMAL_WIDTH) - 1] * 3
SPECS = pytest.mark.parametrize("spec", [DEFAULT, TINY], ids=["default", "tiny"])
EVERY_CASE = pytest.mark.parametrize("name", CASES)
PAUSES = pytest.mark.parametrize(("put", "get"), [(0, 0), (0.3, 0.5)])


INTERVALS = pytest.mark.parametrize("interval", [1, 4])
LEAN = pytest.mark.parametrize("lean", [0, 1])


def some(values: list[Payload], number: int = 40) -> list[Payload]:
    return values[:: max(1, len(values) // number)]


@INTERVALS
@SPECS
@EVERY_CASE
def test_side_unit(name: str, spec: Spec, interval: int) -> None:
    v = case(name, spec)
    w = workload_of(v)
    one = spec.group_size << spec.screen_fraction
    rows: list[Payload] = []
    wanted: list[Payload] = []
    for entry in table(v):
        edge = (entry["row"] - 1) * one - v.frame.principal[entry["axis"] & 1]
        for side, at in (("low", edge - spec.screen_margin), ("high", edge + one + spec.screen_margin)):
            if side in entry["sides"]:
                rows.append({"edge": at, "high": int(side == "high"), "axis": entry["axis"]})
                wanted.append(entry["sides"][side])
    same(answers(SideUnit(spec=spec, interval=interval), rows, header=w.header, view=view_of(w.memory.data)), wanted)


@INTERVALS
@SPECS
@EVERY_CASE
def test_side_writer(name: str, spec: Spec, interval: int) -> None:
    """The whole table twice on end, a start while busy in vain."""
    v = case(name, spec)
    w = workload_of(v)
    dut: Any = SideWriter(spec=spec, sides_bits=BITS, interval=interval)
    bench = Bench(dut)
    hold_frame(bench, w.header)
    bench.m.d.comb += [dut.view[field].eq(code) for field, code in view_of(w.memory.data).items()]
    bench.m.d.comb += dut.start.eq(1)
    wanted = table(v)
    log = Log("rows", count=2 * len(wanted))
    bench.logs.append(log)

    async def watch(ctx: Any) -> None:
        while len(log.values) < log.count:
            _, _, bits, busy = await ctx.tick().sample(dut.write.as_value(), dut.busy)
            row = unpack_nested(bits, dut.write.shape())
            if row["valid"]:
                assert busy
                log.values.append(row)

    bench.process(watch)
    bench.run(drain=0)
    same(log.values, 2 * wanted)


@SPECS
@EVERY_CASE
def test_side_test(name: str, spec: Spec) -> None:
    """Every way a box can lie to two sides, and boxes that touch a side by one step."""
    v = case(name, spec)
    unit: Any = SideTest(spec=spec, position_bits=BITS)
    rows: list[Payload] = []
    wanted: list[Payload] = []
    for number, voxel in enumerate(some(placed(v), 25)):
        for entry in table(v)[number % 3 :: 3]:
            middle = list(voxel["middle"])
            axis = entry["axis"]
            low = entry["sides"]["low"]
            z = middle[2]
            reach_low = extent(low["normal"], voxel)
            if number % 5 == 0 and axis < 2:  # just within the low side's reach, or just not
                middle[axis] = (z * low["slope"] >> 13) - reach_low - number % 2
            beside = middle[axis] - (z * low["slope"] >> 13)
            passed = beside + reach_low >= 0
            if axis < 2:
                high = entry["sides"]["high"]
                passed = passed and middle[axis] - (z * high["slope"] >> 13) <= extent(high["normal"], voxel)
            box = {field: voxel[field] for field in ("half", "exponent")} | {"middle": middle}
            tags = {"axis": entry["axis"], "position": entry["row"], "final": number & 1}
            rows.append(whole(unit.i.shape(), {**box, **tags, "sides": fill(entry["sides"])}))
            wanted.append({"passed": int(passed), **tags})
    assert 0 < sum(row["passed"] for row in wanted) < len(wanted)
    same(answers(unit, rows), wanted)


@SPECS
def test_cross_test(spec: Spec) -> None:
    """A column and a row of a box by one circuit in turn: what two `SideTest`s say."""
    v = case("random", spec)
    cross, side = CrossTest(spec=spec, position_bits=BITS, interval=4), SideTest(spec=spec, position_bits=BITS)
    pairs: list[tuple[Payload, Payload]] = []
    entries = table(v)
    for number, voxel in enumerate(some(placed(v), 25)):
        box = {field: voxel[field] for field in ("half", "exponent", "middle")}
        both = [entries[(number + k) % len(entries)] for k in (0, len(entries) // 2)]
        first, second = (
            whole(
                side.i.shape(),
                {**box, "axis": e["axis"], "position": e["row"], "final": number & 1, "sides": fill(e["sides"])},
            )
            for e in both
        )
        pairs.append((first, second))
    got = answers(cross, [{"column": column, "row": row} for column, row in pairs])
    assert [each["column"] for each in got] == answers(side, [column for column, _ in pairs])
    assert [each["row"] for each in got] == answers(side, [row for _, row in pairs])
    assert len({each["column"]["passed"] for each in got}) == 2


def extent(normal: list[int], voxel: Payload) -> int:
    """The model's, one box at a time."""
    total = sum(n * h for n, h in zip(normal, voxel["half"], strict=True))
    return ((total << voxel["exponent"]) >> 14) + 1 + LIST_SLACK


@INTERVALS
@EVERY_CASE
def test_dot_unit(name: str, interval: int) -> None:
    v = case(name)
    rows: list[Payload] = []
    wanted: list[Payload] = []
    for k, voxel in enumerate(some(placed(v))):
        vector = voxel["middle"]  # any vector will do
        row = k % 3
        dot = sum(int(a) * int(b) for a, b in zip(v.frame.rotation[row], vector, strict=True)) >> 16
        rows.append({"vector": vector, "row": row, "step": k % 5})
        wanted.append({"dot": dot, "step": k % 5})
    same(answers(DotUnit(spec=v.spec, steps=5, interval=interval), rows, header=workload_of(v).header), wanted)


@LEAN
@PAUSES
@pytest.mark.parametrize("name", CASES)
def test_voxel_place(name: str, put: float, get: float, lean: int, seed: int) -> None:
    v = case(name, TINY)
    w = workload_of(v)
    count = min(len(v.image.grid), 60)
    dut: Any = VoxelPlace(config=replace(tiny(), lean=lean))
    bench = Bench(dut, seed=seed)
    hold_frame(bench, w.header)
    bench.source(dut.i, places_of(w.memory.data)[:count], stall=put)
    log = bench.sink(dut.o, count, stall=0.9 if get else 0)  # also longer than the next one takes
    bench.run()
    same(log.values, placed(v)[:count])


@LEAN
@PAUSES
@pytest.mark.parametrize("name", CASES)
def test_voxel_reach(name: str, put: float, get: float, lean: int, seed: int) -> None:
    """The tables are written, read, and then every voxel tested against them."""
    v = windowed(case(name, TINY))
    dut: Any = VoxelReach(config=replace(tiny(), order_sides=32, lean=lean))
    bench = Bench(dut, seed=seed)
    given = placed(v)[:60]
    wanted = reached(v, 60)
    assert v.frame.columns != v.frame.rows  # one table is shorter
    source = bench.source(dut.i, given, stall=put)
    log = bench.sink(dut.o, len(wanted), stall=get)
    tested = Log("tested", count=len(given))
    bench.logs.append(tested)

    async def drive(ctx: Any) -> None:
        ctx.set(dut.columns, v.frame.columns)
        ctx.set(dut.rows, v.frame.rows)
        # Behind the last row of the shorter table lies what passes everything.
        beyond = {"low": {"slope": -(1 << 15), "normal": WIDE}, "high": {"slope": (1 << 15) - 1, "normal": WIDE}}
        for entry in [*table(v), {"axis": 1, "row": v.frame.rows + 1, "sides": beyond}]:
            ctx.set(dut.write, {"valid": 1, **entry, "sides": fill(entry["sides"])})
            await ctx.tick()
        ctx.set(dut.write.valid, 0)
        for column, row in ((1, 2), (3, 1)):
            ctx.set(dut.read_row, {"column": column, "row": row})
            await ctx.tick()
            await ctx.tick()
            got = unpack_nested(ctx.get(dut.read_sides.as_value()), dut.read_sides.shape())
            assert got == {
                name: next(e["sides"] for e in table(v) if (e["axis"], e["row"]) == which)
                for name, which in (("column", (0, column)), ("row", (1, row)))
            }
        assert not source.values
        ctx.set(dut.scan, 1)
        while True:
            _, _, ends = await ctx.tick().sample(dut.tested)
            tested.values.extend([1] * ends)

    bench.process(drive)
    bench.run(drain=40)
    same(log.values, wanted)


@pytest.mark.parametrize(("width", "ahead"), [(128, 16), (512, 16), (128, 0)])
@PAUSES
def test_view_fetch(width: int, ahead: int, put: float, get: float, seed: int) -> None:
    """Header, view and the voxel table of two frames."""
    v = case("random", TINY)
    memory = build_memory_image(v.image, v.frame, TINY, base=128)
    dut: Any = ViewFetch(memory_width=width, ahead=ahead)
    bench = Bench(dut, seed=seed)
    ByteMemory(bench, dut.memory, memory.data.tobytes(), latency=7, stall=put)
    places = places_of(memory.data, 128)
    log = bench.sink(dut.o, 2 * len(places), stall=get)

    async def drive(ctx: Any) -> None:
        for frame in range(2):
            ctx.set(dut.address, 128)
            ctx.set(dut.start, 1)
            await ctx.tick()
            ctx.set(dut.start, 0)
            ctx.set(dut.address, 0)
            while not ctx.get(dut.idle):
                await ctx.tick()
            assert unpack_nested(ctx.get(dut.frame.as_value()), dut.frame.shape()) == header_of(memory.data, 128)
            assert unpack_nested(ctx.get(dut.view.as_value()), dut.view.shape()) == view_of(memory.data, 128)
            ctx.set(dut.scan, 1)
            await ctx.tick()
            ctx.set(dut.scan, 0)
            while not ctx.get(dut.idle):
                await ctx.tick()
            assert len(log.values) == (frame + 1) * len(places)

    bench.process(drive)
    bench.run()
    same(log.values, 2 * places)
