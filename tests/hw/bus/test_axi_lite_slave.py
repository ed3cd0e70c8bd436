from __future__ import annotations

import random
from typing import Any

import pytest
from amaranth.sim import Simulator

from hw.bus.axi import Response
from hw.bus.axi_lite_slave import AxiLiteSlave
from hw.bus.registers import Access, Register, RegisterField, RegisterMap

FIELDS = {
    "KIND": (0x0, [RegisterField(name="CODE", width=16, access=Access.CONSTANT, text="", value=0xBEEF)]),
    "GO": (0x4, [RegisterField(name="NOW", low=3, access=Access.COMMAND, text="")]),
    "NOTES": (0x8, [
        RegisterField(name="A", width=8, access=Access.SETTING, text=""),
        RegisterField(name="B", low=12, width=12, access=Access.SETTING, text=""),
    ]),
    "EVENTS": (0x10, [RegisterField(name=n, low=k, access=Access.FLAG, text="") for k, n in enumerate("XY")]),
    "NOW": (0x14, [RegisterField(name="STATE", low=8, width=20, access=Access.STATE, text="")]),
}  # fmt: skip
MAP = RegisterMap(
    name="few",
    registers=tuple(Register(name=n, offset=o, text="", fields=tuple(f)) for n, (o, f) in FIELDS.items()),
)


class Host:
    """A master whose channels pause at random."""

    def __init__(self, ctx: Any, dut: Any, seed: int, pause: float) -> None:
        self.ctx, self.dut, self.random, self.pause = ctx, dut, random.Random(seed), pause
        self.commands = 0

    async def tick(self) -> None:
        self.commands += self.ctx.get(self.dut.commands.go_now)
        await self.ctx.tick()

    async def wait(self) -> None:
        while self.random.random() < self.pause:
            await self.tick()

    async def offer(self, channel: Any) -> None:
        self.ctx.set(channel.valid, 1)
        while not self.ctx.get(channel.ready):
            await self.tick()
        await self.tick()
        self.ctx.set(channel.valid, 0)

    async def take(self, channel: Any) -> None:
        await self.wait()
        self.ctx.set(channel.ready, 1)
        while not self.ctx.get(channel.valid):
            await self.tick()

    async def read(self, address: int) -> tuple[int, int]:
        ctx, dut = self.ctx, self.dut
        await self.wait()
        ctx.set(dut.ar.payload.address, address)
        await self.offer(dut.ar)
        await self.take(dut.r)
        got = ctx.get(dut.r.payload.data), ctx.get(dut.r.payload.response)
        await self.tick()
        ctx.set(dut.r.ready, 0)
        return got

    async def write(self, address: int, value: int, strobes: int = 15) -> int:
        ctx, dut = self.ctx, self.dut
        ctx.set(dut.aw.payload.address, address)
        ctx.set(dut.w.payload.data, value)
        ctx.set(dut.w.payload.strobes, strobes)
        channels = [dut.aw, dut.w]
        self.random.shuffle(channels)
        for channel in channels:
            await self.wait()
            await self.offer(channel)
        await self.take(dut.b)
        got = ctx.get(dut.b.payload)
        await self.tick()
        ctx.set(dut.b.ready, 0)
        return got


def simulate(run: Any, *, seed: int = 0, pause: float = 0.0) -> None:
    dut = AxiLiteSlave(registers=MAP)

    async def testbench(ctx: Any) -> None:
        await run(ctx, dut, Host(ctx, dut, seed, pause))

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.run()


@pytest.mark.parametrize("pause", [0.0, 0.6])
def test_every_kind_of_field(pause: float, seed: int) -> None:
    async def run(ctx: Any, dut: Any, host: Host) -> None:
        ctx.set(dut.state.now_state, 0x54321)
        assert await host.read(0x0) == (0xBEEF, Response.OKAY)
        assert await host.read(0x14) == (0x5432100, Response.OKAY)
        assert await host.write(0x8, 0xFFFFFFFF) == Response.OKAY
        assert await host.read(0x8) == (0xFFF0FF, Response.OKAY)
        assert await host.write(0x8, 0, 0b0010) == Response.OKAY  # one byte
        assert await host.read(0x8) == (0xFF00FF, Response.OKAY)
        assert (ctx.get(dut.settings.notes_a), ctx.get(dut.settings.notes_b)) == (0xFF, 0xFF0)
        assert host.commands == 0
        assert await host.write(0x4, 0xFFFFFFFF) == Response.OKAY
        assert await host.read(0x4) == (0, Response.OKAY)
        assert host.commands == 1

    simulate(run, seed=seed, pause=pause)


def test_flags_are_set_by_events_and_cleared_by_ones(seed: int) -> None:
    async def run(ctx: Any, dut: Any, host: Host) -> None:
        ctx.set(dut.events.events_x, 1)
        ctx.set(dut.events.events_y, 1)
        await host.tick()
        ctx.set(dut.events.events_y, 0)
        await host.tick()
        assert await host.write(0x10, 0b11) == Response.OKAY
        assert await host.read(0x10) == (0b01, Response.OKAY)  # X happens all the time: an event wins
        ctx.set(dut.events.events_x, 0)
        assert await host.write(0x10, 0b10) == Response.OKAY
        assert await host.read(0x10) == (0b01, Response.OKAY)
        assert await host.write(0x10, 0b01) == Response.OKAY
        assert await host.read(0x10) == (0, Response.OKAY)

    simulate(run, seed=seed, pause=0.3)


@pytest.mark.parametrize("offset", range(6))
def test_an_event_in_the_cycle_of_its_clearing_is_kept(offset: int) -> None:
    """The write acts in the cycle before its response is offered; an event before that is cleared, no other."""
    found: list[tuple[int, int]] = []

    async def run(ctx: Any, dut: Any, host: Host) -> None:
        async def count() -> None:
            cycle = len(ticks)
            ctx.set(dut.events.events_x, cycle == offset)
            if ctx.get(dut.b.valid) and not answered:
                answered.append(cycle)
            ticks.append(cycle)
            await ctx.tick()

        ticks: list[int] = []
        answered: list[int] = []
        host.tick = count  # type: ignore[method-assign]
        await host.write(0x10, 1)
        for _ in range(6):
            await host.tick()
        found.append((answered[0], ctx.get(dut.flags.events_x)))

    simulate(run)
    ((answered, flag),) = found
    assert 1 < answered < 5
    assert flag == (offset >= answered - 1)


@pytest.mark.parametrize("address", [0xC, 0x18, 0x1C])
def test_where_nothing_is(address: int, seed: int) -> None:
    async def run(ctx: Any, dut: Any, host: Host) -> None:
        assert await host.read(address) == (0, Response.SLVERR)
        assert await host.write(address, 1) == Response.SLVERR
        assert await host.write(0x0, 1) == Response.SLVERR  # constants alone
        assert await host.read(0x0) == (0xBEEF, Response.OKAY)

    simulate(run, seed=seed)
