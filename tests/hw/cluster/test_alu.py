"""The vector ALU and its lanes against `golden.cluster.combine`."""

from __future__ import annotations

import random
from itertools import product

import pytest
import torch
from amaranth.hdl import Module
from amaranth.sim import Simulator

from golden import floats
from golden.cluster.combine import combine
from golden.cluster.spec import ElementType, Kind, Spec
from golden.float_format import HALF, SINGLE
from hw.cluster.combine_lane import CombineLane
from hw.cluster.config import Config
from hw.cluster.serial_alu import SerialAlu
from hw.cluster.vector_alu import VectorAlu
from hw.cluster.widen_flit import WidenFlit
from hw.lib.fields import pack
from hw.lib.float_add import FloatAdd
from tests.hw.cluster.lanes import with_lanes
from tests.hw.lib.simulate import run_datapath

SPEC = Spec(nodes=4, link_width=64, memory_kib=4)


def word(rng: random.Random) -> int:
    """Random bits, or a special half or single."""
    special = [0, 1 << 31, SINGLE.infinity, SINGLE.nan, 0x80000001, HALF.infinity << 16 | HALF.sign, HALF.nan]
    return rng.choice(special) if rng.random() < 0.2 else rng.getrandbits(32)


def test_combine_lane(rng: random.Random) -> None:
    """Every format and kind, one after the other in random order."""
    kinds = [Kind.SUM, Kind.MAX, Kind.MIN]
    cases = [
        {"own": word(rng), "received": word(rng), "format": f, "kind": k, "reduce": int(rng.random() < 0.9)}
        for f, k in product(ElementType, kinds)
        for _ in range(60)
    ]
    rng.shuffle(cases)
    lane = CombineLane()
    m = Module()
    m.submodules.lane, m.submodules.adder = lane, (adder := FloatAdd(fmt=SINGLE))
    m.d.comb += [adder.i.a.eq(lane.i.own), adder.i.b.eq(lane.i.received), lane.single.eq(adder.o)]
    got = run_datapath(lane, [pack(lane.i.shape(), case) for case in cases], beside=m)
    for case, result in zip(cases, got, strict=True):
        own, received = (torch.tensor([[case[name]]]) for name in ("own", "received"))
        expected = combine(own, received, case["format"], case["kind"]) if case["reduce"] else received
        assert result == expected.item(), case


def test_widen_flit(rng: random.Random) -> None:
    unit = WidenFlit(config=Config(spec=SPEC))
    cases = [{"word": rng.getrandbits(64), "widen": rng.getrandbits(1), "half": rng.getrandbits(1)} for _ in range(300)]
    got = run_datapath(unit, [pack(unit.i.shape(), case) for case in cases])
    for case, result in zip(cases, got, strict=True):
        half = case["word"] >> (32 * case["half"])
        wide = floats.widen(torch.tensor([half & 0xFFFF, half >> 16 & 0xFFFF])).tolist()
        assert result == (wide[0] | wide[1] << 32 if case["widen"] else case["word"])


def single(rng: random.Random) -> int:
    value = float("-inf") if rng.random() < 0.1 else rng.gauss(0, 5)
    return int(floats.to_codes(torch.tensor([value])).item())


@pytest.mark.parametrize("interval", [1, 2 * SPEC.lanes], ids=["parallel", "serial"])
@pytest.mark.parametrize("gap", [0.0, 0.5])
def test_merge_records(gap: float, interval: int, rng: random.Random) -> None:
    """Records of 1 to 4 flits back to back and with gaps; equal, infinite and NaN maxima among them."""
    records = []
    for k in range(40):
        length = rng.randint(1, 4)
        own, received = ([[single(rng), single(rng)] for _ in range(length)] for _ in range(2))
        if k % 5 == 0:
            received[0][0] = own[0][0]
        if k % 9 == 8:
            own[0][0] = SINGLE.nan
        records.append((own, received))
    expected: list[list[int]] = []
    flits = []
    for own, received in records:
        merged = combine(torch.tensor(own), torch.tensor(received), ElementType.SINGLE, Kind.MERGE, len(own))
        expected += merged.tolist()
        flits += [(a, b, n == 0) for n, (a, b) in enumerate(zip(own, received, strict=True))]
    alu = VectorAlu(spec=SPEC) if interval == 1 else SerialAlu(spec=SPEC, interval=interval)
    got: list[list[int]] = []

    async def interval_ends(ctx) -> None:
        for phase in range(interval):
            if phase:
                ctx.set(alu.valid, 0)
            if isinstance(alu, SerialAlu):
                ctx.set(alu.turn, phase)
            await ctx.tick()

    async def feed(ctx) -> None:
        for number, (own, received, header) in enumerate(flits):
            while rng.random() < gap:
                ctx.set(alu.valid, 0)
                ctx.set(alu.i.own, rng.getrandbits(64))
                ctx.set(alu.i.operation.header, 1)
                await interval_ends(ctx)
            ctx.set(alu.valid, 1)
            ctx.set(alu.i.own, own[0] | own[1] << 32)
            ctx.set(alu.i.received, received[0] | received[1] << 32)
            operation = {"format": ElementType.SINGLE, "kind": Kind.MERGE, "reduce": 1, "header": int(header)}
            ctx.set(alu.i.operation, operation)
            ctx.set(alu.i.tag, {"address": number, "write": 1, "last": 0})
            await interval_ends(ctx)
        ctx.set(alu.valid, 0)
        for _ in range(50):
            await interval_ends(ctx)

    async def watch(ctx) -> None:
        while True:
            _, _, valid, bits, place = await ctx.tick().sample(alu.o_valid, alu.o.data, alu.o.tag.address)
            if valid:
                assert place == len(got)
                got.append([bits & 0xFFFFFFFF, bits >> 32])

    simulator = Simulator(with_lanes(alu, SPEC, interval))
    simulator.add_clock(1e-6)
    simulator.add_testbench(feed)
    simulator.add_testbench(watch, background=True)
    simulator.run()
    assert got == expected
