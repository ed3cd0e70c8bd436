"""Streams and datapaths under test in Amaranth's simulator.

A `Bench` puts a `StreamChecker` on every stream of the device under test, feeds and drains its
streams with random stalls, and ends when everything that was expected has come and nothing more
follows. Values are ints, lists and dicts, shaped like the payload.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from amaranth.hdl import ClockDomain, Module, Signal, Value
from amaranth.lib import stream
from amaranth.sim import Simulator

from hw.lib.checker import check
from hw.lib.fields import pack, unpack_nested
from hw.lib.ports import streams_of
from hw.lib.stream import payload_shape
from tests.hw.lib.payload import difference

DRAIN = 12  # quiet cycles after the last expected payload


async def ticks(ctx: Any, number: int) -> None:
    """Waits for clock edges. `ctx.tick().repeat()` and `.until()` cannot be abandoned at the end of a run."""
    for _ in range(number):
        await ctx.tick()


@dataclass
class Log:
    """What moved on a stream: the values and the cycles in which they did."""

    name: str
    values: list[Any] = field(default_factory=list)
    cycles: list[int] = field(default_factory=list)
    expected: list[Any] | None = None  # None: only the number is
    count: int = 0

    def verify(self) -> None:
        if self.expected is not None:
            for k, (got, expected) in enumerate(zip(self.values, self.expected, strict=False)):
                assert got == expected, f"{self.name}[{k}]: {difference(got, expected)}"
        assert len(self.values) == self.count, f"{self.name}: {len(self.values)} payloads, expected {self.count}"


class Bench:
    """A device under test between sources and sinks.

    Args:
        seed: of all stalls and of the noise on payloads that are not valid.
        deadline: cycles after which a run that is not done has failed.
    """

    def __init__(self, dut: Any, *, seed: int = 0, deadline: int = 20_000) -> None:
        self.dut, self.deadline = dut, deadline
        self.random = random.Random(seed)
        self.m = Module()
        self.m.submodules.dut = dut
        for port in streams_of(dut):
            check(self.m, port.interface, port.name)
        self.m.domains.sync = domain = ClockDomain()
        self.reset = domain.rst
        self.cycle = Signal(32, reset_less=True)
        self.m.d.sync += self.cycle.eq(self.cycle + 1)
        self.logs: list[Log] = []
        self._processes: list[Callable[..., Any]] = []
        self._stalled = True  # sinks stall until all has come

    def process(self, function: Callable[..., Any]) -> None:
        """Adds a coroutine that runs beside the streams for as long as they do."""
        self._processes.append(function)

    def stall(self, chance: float) -> bool:
        return self.random.random() < chance

    def source(self, interface: stream.Interface, values: Sequence[Any], *, stall: float = 0.0) -> Log:
        """Sends `values`, pausing with the given chance before each cycle; noise while not valid."""
        shape = payload_shape(interface)
        payload = Value.cast(interface.payload)
        log = Log("source", count=len(values), expected=list(values))

        async def run(ctx: Any) -> None:
            for value in values:
                while self.stall(stall):
                    ctx.set(payload, self.random.getrandbits(len(payload)))
                    await ctx.tick()
                ctx.set(payload, pack(shape, value))
                ctx.set(interface.valid, 1)
                taken = False
                while not taken:
                    _, _, taken, cycle = await ctx.tick().sample(interface.ready, self.cycle)
                log.values.append(value)
                log.cycles.append(cycle)
                ctx.set(interface.valid, 0)
            ctx.set(payload, self.random.getrandbits(len(payload)))

        self.logs.append(log)
        self.process(run)
        return log

    def sink(self, interface: stream.Interface, expected: Sequence[Any] | int, *, stall: float = 0.0) -> Log:
        """Takes payloads, not ready with the given chance in each cycle.

        Args:
            expected: the values, or how many if their order is not fixed.
        """
        shape = payload_shape(interface)
        log = Log("sink", count=expected) if isinstance(expected, int) else Log("sink", count=len(expected))
        log.expected = None if isinstance(expected, int) else list(expected)

        async def run(ctx: Any) -> None:
            payload = Value.cast(interface.payload)
            while True:
                ready = not (self._stalled and self.stall(stall))
                ctx.set(interface.ready, ready)
                _, _, valid, bits, cycle = await ctx.tick().sample(interface.valid, payload, self.cycle)
                if valid and ready:
                    log.values.append(unpack_nested(bits, shape))
                    log.cycles.append(cycle)

        self.logs.append(log)
        self.process(run)
        return log

    def run(self, drain: int = DRAIN) -> None:
        """Simulates until every log is complete and `drain` cycles more, then compares.

        Raises:
            AssertionError: a wrong value, a missing or surplus payload, or a broken stream rule.
        """
        simulator = Simulator(self.m)
        simulator.add_clock(1e-6)

        async def watch(ctx: Any) -> None:
            for _ in range(self.deadline):
                if all(len(log.values) >= log.count for log in self.logs):
                    break
                await ctx.tick()
            self._stalled = False
            await ticks(ctx, drain)

        simulator.add_testbench(watch)
        for process in self._processes:
            simulator.add_testbench(process, background=True)
        simulator.run()
        for log in self.logs:
            log.verify()
