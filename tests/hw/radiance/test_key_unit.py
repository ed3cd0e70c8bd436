"""Records and keys: RTL equals the model, whole rows at once or Gaussian by Gaussian."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from amaranth.hdl import Value
from amaranth.sim import Simulator

from golden.radiance.spec import DEFAULT, PAPER, TINY
from hw.lib.fields import unpack_nested
from hw.lib.stream_pipeline import StreamPipeline
from hw.radiance.key_unit import KeyUnit
from hw.radiance.layouts import RecordLayout, key_of, pixel_layout
from hw.radiance.record_register import RecordRegister
from tests.hw.lib.bench import Bench
from tests.hw.radiance.caches import keys, number, random_pixels

SPECS = {"tiny": TINY, "default": DEFAULT, "paper": PAPER, "wide": replace(DEFAULT, key_bits=48, id_bits=32),
         "longest": replace(DEFAULT, record_length=8, key_bits=37)}  # fmt: skip


@pytest.mark.parametrize("name", SPECS)
def test_keys_of_whole_records(name: str, seed: int) -> None:
    """Set, tag and `full` of every pixel, its colour beside them; one a cycle. Ids behind `count` do not matter."""
    spec = SPECS[name]
    records, colours = random_pixels(spec, 60, 30, seed)
    dut = StreamPipeline(KeyUnit(spec=spec))
    bench = Bench(dut, seed=seed)
    noise = bench.random.getrandbits
    pixels, expected = [], []
    spare = {"spare"} & set(pixel_layout(spec).members)
    for k, key in enumerate(keys(spec, records)):
        count, colour = int(records.count[0, k]), colours[0, k]
        ids = [int(records.ids[0, k, n]) if n < count else noise(spec.id_bits) for n in range(spec.record_length)]
        pixels.append({
            **{f"id_{n}": each for n, each in enumerate(ids)}, "count": count,
            **{f"colour_{n}": int(each) for n, each in enumerate(colour)}, **dict.fromkeys(spare, 0),
        })  # fmt: skip
        expected.append(key | {"colour": number(colour, 8)})
    source = bench.source(dut.i, pixels)
    bench.sink(dut.o, expected)
    bench.run()
    assert source.cycles[-1] - source.cycles[0] == len(pixels) - 1


@pytest.mark.parametrize("name", ["tiny", "paper"])
def test_a_register_beside_a_lane(name: str, seed: int) -> None:
    """Its record goes back to it: after any number of Gaussians, significant or not, it has the first ones' key."""
    spec = SPECS[name]
    dut = RecordRegister(spec=spec)
    layout = RecordLayout(spec)
    records, _ = random_pixels(spec, 20, 20, seed)
    expected = keys(spec, records)
    bench = Bench(dut, seed=seed)

    async def drive(ctx: Any) -> None:
        for k in range(20):
            count = int(records.count[0, k])
            record = layout.const(layout.fresh()).as_bits()
            significant = [int(x) for x in records.ids[0, k, :count]]
            if count == spec.record_length:
                significant += [1, 2]  # come too late
            for each in significant:
                for seen in (0, 1):
                    ctx.set(Value.cast(dut.i.record), record)
                    ctx.set(dut.i.id, each if seen else bench.random.getrandbits(spec.id_bits))
                    ctx.set(dut.i.significant, seen)
                    await ctx.tick()
                    record = ctx.get(Value.cast(dut.o.record))
            assert unpack_nested(record, layout)["count"] == count
            if count:
                key = ctx.get(key_of(dut.o.record, spec))
                assert key >> spec.set_bits == expected[k]["tag"]
                assert key & (spec.sets - 1) == expected[k]["set"]

    simulator = Simulator(bench.m)
    simulator.add_clock(1e-6)
    simulator.add_testbench(drive)
    simulator.run()
