"""Slab control and depth sort: squares that crowd the sort are read again, and every splat leaves once, in order."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest
import torch
from amaranth.hdl import Elaboratable, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from golden.splat.depth_key import depth_key
from golden.splat.spec import TINY, Spec
from hw.lib.fields import pack
from hw.lib.payloads import SortedLayout
from hw.lib.stream import connect, transfer
from hw.splat.config import Config, tiny
from hw.splat.depth_key import least_depth, shifted_key
from hw.splat.depth_sort import DepthSort
from hw.splat.frame_fetch import SlabLayout
from hw.splat.layouts import SurvivorLayout
from hw.splat.slab_control import SlabControl
from tests.golden.splat.arrivals import Arrivals, arrivals
from tests.hw.splat.streams import survivor_payload

NEAR = 1000
GROUPS = 6


class Loop(wiring.Component):
    """The control with the sort that it cuts for."""

    def __init__(self, config: Config) -> None:
        self.config = config
        super().__init__(
            {
                "i": In(stream.Signature(SurvivorLayout(config.spec, config.sort_inputs))),
                "o": Out(stream.Signature(SortedLayout(config.spec))),
                "passed": In(32),
                "empty": In(1),
                "again": Out(1),
                "purge": Out(1),
                "busy": Out(1),
                "slab": Out(SlabLayout(config.spec)),
                "forced": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.sort = sort = DepthSort(config=self.config)
        m.submodules.control = control = SlabControl(config=self.config)
        connect(m, self.i, sort.i)
        connect(m, sort.o, self.o)
        names = ("crowded", "bound", "lowest", "middle")
        m.d.comb += [
            *(getattr(control, name).eq(getattr(sort, name)) for name in names),
            control.near.eq(NEAR),
            control.ended.eq(transfer(self.i) & self.i.payload.mark.end),
            control.passed.eq(self.passed),
            control.empty.eq(self.empty),
            sort.cuts.eq(1),
            sort.high.eq(control.high),
            sort.purge.eq(control.purge),
            *(getattr(self, name).eq(getattr(control, name)) for name in ("again", "purge", "busy", "slab")),
            self.forced.eq(sort.forced),
        ]
        return m


class Reader:
    """Streams groups as the stages before the sort do, and reads them again as the control asks."""

    def __init__(self, dut: Any, groups: list[Arrivals], spec: Spec, rng: Random, *, put: float, get: float) -> None:
        self.dut, self.groups, self.spec, self.rng = dut, groups, spec, rng
        self.put, self.get = put, get
        self.sent: list[bool] = []  # ends that came into the sort: of an entry that is continued?
        self.left = 0  # ends that have left it
        self.splats: list[list[int]] = [[]]
        self.crowded = self.forced = 0
        self.done = False

    async def drive(self, ctx: Any) -> None:
        for row in range(GROUPS):
            slab = None
            while True:
                narrow = await self.walk(ctx, row, slab)
                if narrow is None:
                    break
                slab = await self.asked(ctx, row)
        self.done = True

    async def asked(self, ctx: Any, row: int) -> Any:
        """The next slab of the square."""
        while True:
            ctx.set(self.dut.empty, len(self.sent) == self.left)
            _, _, again, slab = await ctx.tick().sample(self.dut.again, self.dut.slab)
            if again:
                ctx.set(self.dut.empty, 0)
                assert slab.row == row
                self.crowded += bool(slab.narrow)
                return slab

    async def walk(self, ctx: Any, row: int, slab: Any) -> bool | None:
        """Sends what the slab has of a group, then its end. Returns: None if the group is complete."""
        a, dut = self.groups[row], self.dut
        low, high, skip = NEAR, 1 << 31, 0
        if slab is not None:
            low, high = NEAR if slab.nearest else slab.low, slab.high if slab.narrow else high
            skip = slab.skip
        keys = depth_key(torch.tensor(a.key, dtype=torch.int64), self.spec).tolist()
        bounds = depth_key(torch.tensor(a.bounds, dtype=torch.int64), self.spec).tolist()
        beyond: list[int] = []
        for voxel in range(skip, len(bounds)):
            mark = {"begin": 1, "end": 0, "bound": bounds[voxel]}
            here = [i for i, visit in enumerate(a.visit) if visit == voxel]
            beyond += [voxel] * any(NEAR + a.key[i] >= high for i in here)
            for i in [i for i in here if low <= NEAR + a.key[i] < high]:
                splat = {"mean": [i & 0xFFF, i >> 12]}
                payload = {"mark": {"some": 1, **mark}, "depth": keys[i], "rank": a.rank[i], "splat": splat}
                await self.send(ctx, payload)
                mark = {"begin": 0, "end": 0}
                if ctx.get(dut.purge):
                    break
            if ctx.get(dut.purge):
                break
        ctx.set(dut.passed, min(beyond, default=max(len(bounds) - 1, skip)) - skip)
        crowded = ctx.get(dut.purge)
        narrow = slab is not None and bool(slab.narrow)
        await self.end(ctx, continued=narrow)
        if crowded:
            for _ in range(self.rng.choice([0, 0, 1, 2])):  # groups behind that were under way
                await self.end(ctx)
            return True
        return False if narrow else None

    async def end(self, ctx: Any, *, continued: bool = False) -> None:
        self.sent.append(continued)
        await self.send(ctx, {"mark": {"some": 0, "begin": 0, "end": 1}})

    async def send(self, ctx: Any, payload: Any) -> None:
        dut, spec = self.dut, self.spec
        while self.rng.random() < self.put:
            await ctx.tick()
        whole = survivor_payload(spec, payload, dut.config.sort_inputs)
        ctx.set(dut.i.payload.as_value(), pack(SurvivorLayout(spec, dut.config.sort_inputs), whole))
        ctx.set(dut.i.valid, 1)
        while True:
            _, _, ready = await ctx.tick().sample(dut.i.ready)
            if ready:
                break
        ctx.set(dut.i.valid, 0)

    async def take(self, ctx: Any) -> None:
        dut = self.dut
        while True:
            ctx.set(dut.o.ready, self.rng.random() >= self.get)
            _, _, valid, ready, end, kept, low, high, forced = await ctx.tick().sample(
                dut.o.valid, dut.o.ready, dut.o.payload.end, dut.o.payload.kept, *dut.o.payload.splat.mean, dut.forced
            )
            self.forced += forced
            if not valid or not ready:
                continue
            if end:
                self.splats += [[]] if not kept and not self.sent[self.left] else []
                self.left += 1
            else:
                self.splats[-1].append((low & 0xFFF) | high << 12)


@pytest.mark.parametrize(("levels", "banks", "width"), [(3, 1, 128), (3, 2, 512), (4, 4, 256)])
@pytest.mark.parametrize(("put", "get"), [(0, 0), (0.3, 0.4)])
def test_every_splat_leaves_once_in_order(
    levels: int, banks: int, width: int, put: float, get: float, seed: int
) -> None:
    """As the model has it, slab by slab: groups that fit, that are read a dozen times, or that share a key."""
    rng = Random(f"{seed} {levels} {put}")
    config = replace(tiny(), memory_width=width, spec=replace(TINY, sort_levels=levels, sort_banks=banks))
    spec = config.spec
    room = spec.sort_capacity
    crowd = {"voxels": 9, "crowd": room, "spread": 90}
    one_key = Arrivals(key=[60, *[50] * (room + 3), 70], visit=[0] * (room + 5), bounds=[1])
    groups = [arrivals(rng, **each) for each in ({**crowd, "crowd": 3}, crowd, {**crowd, "spread": 4000}, crowd)]
    groups += [one_key, arrivals(rng, voxels=12, crowd=room // 3, spread=60)]
    dut = Loop(config)
    reader = Reader(dut, groups, spec, rng, put=put, get=get)

    async def finish(ctx: Any) -> None:
        for _ in range(30_000):
            await ctx.tick()
            if reader.done and len(reader.splats) == GROUPS + 1:
                return
        raise AssertionError(f"{len(reader.splats) - 1} of {GROUPS} groups are complete")

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(reader.drive, background=True)
    simulator.add_testbench(reader.take, background=True)
    simulator.add_testbench(finish)
    simulator.run()
    crowded = forced = 0
    for group, got in zip(groups, reader.splats, strict=False):
        keys, bounds = (
            depth_key(torch.tensor(values, dtype=torch.int64), spec).tolist() for values in (group.key, group.bounds)
        )
        wanted = replace(group, key=keys, bounds=bounds).passes(spec)
        assert got == wanted.order.tolist()
        crowded, forced = crowded + wanted.crowded, forced + wanted.forced
    assert (reader.crowded, reader.forced) == (crowded, forced)
    assert crowded > 3
    assert forced >= 3


def test_a_key_begins_at_its_least_depth(seed: int) -> None:
    """A depth's key is at least k if, and only if, the depth is at least what the hardware makes of k."""
    rng = Random(seed)
    depths = [1, 2, 3, 0x7FFF_FFFF, *(rng.randrange(1, 1 << rng.randrange(2, 32)) for _ in range(300))]
    keys = depth_key(torch.tensor(depths), TINY).tolist()
    keys = sorted({*keys, *(key + 1 for key in keys if key + 1 < 1 << TINY.depth_bits)})
    m = Module()
    key, least = Signal(TINY.depth_bits), Signal(34)
    m.d.comb += least.eq(least_depth(shifted_key(key, TINY), TINY))

    async def ask(ctx: Any) -> None:
        for wanted in keys:
            ctx.set(key, wanted)
            first = ctx.get(least)
            near = torch.tensor([max(first - 1, 0), min(first, 0x7FFF_FFFF)])
            below, here = depth_key(near, TINY).tolist()
            assert below < wanted or first == 1
            assert here >= wanted or first > 0x7FFF_FFFF

    simulator = Simulator(m)
    simulator.add_testbench(ask)
    simulator.run()
