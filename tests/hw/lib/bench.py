"""Streams and datapaths under test in Amaranth's simulator.

A `Bench` puts a `StreamChecker` on every stream of the device under test, feeds and drains its
streams with random stalls, and ends when everything that was expected has come and nothing more
follows. Values are ints, lists and dicts, shaped like the payload.
"""

from __future__ import annotations

import gc
import random
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from amaranth.hdl import ClockDomain, Module, Shape, Signal, UnusedElaboratable, Value
from amaranth.lib import data, stream
from amaranth.lib.wiring import In
from amaranth.sim import Simulator

from hw.lib.checker import check
from hw.lib.stream import payload_shape

DRAIN = 12  # quiet cycles after the last expected payload


def encode(shape: Any, value: Any) -> int:
    """The bits of a payload."""
    if isinstance(shape, data.StructLayout):
        assert set(value) == set(shape.members), f"{sorted(value)} is not {sorted(shape.members)}"
        parts = [(shape[name], value[name]) for name in value]
    elif isinstance(shape, data.ArrayLayout):
        assert len(value) == shape.length
        parts = [(shape[k], v) for k, v in enumerate(value)]
    else:
        return value & ((1 << Shape.cast(shape).width) - 1)
    return sum(encode(f.shape, v) << f.offset for f, v in parts)


def decode(shape: Any, bits: int) -> Any:
    """The value of a payload's bits."""
    if isinstance(shape, data.StructLayout):
        return {name: decode(shape[name].shape, bits >> shape[name].offset) for name in shape.members}
    if isinstance(shape, data.ArrayLayout):
        return [decode(shape[k].shape, bits >> shape[k].offset) for k in range(shape.length)]
    shape = Shape.cast(shape)
    bits &= (1 << shape.width) - 1
    return bits - (1 << shape.width) if shape.signed and bits >> (shape.width - 1) else bits


def difference(got: Any, expected: Any) -> str:
    """Names the fields that differ."""
    if isinstance(got, dict) and isinstance(expected, dict):
        return ", ".join(f"{k}: {difference(got[k], expected[k])}" for k in expected if got[k] != expected[k])
    return f"got {got!r}, expected {expected!r}"


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


def streams_of(interface: Any, path: str = "") -> Iterator[tuple[str, stream.Interface]]:
    """Every stream below an interface, arrays and nested interfaces included."""
    if isinstance(interface, stream.Interface):
        yield path, interface
    elif isinstance(interface, list | tuple):
        for k, each in enumerate(interface):
            yield from streams_of(each, f"{path}_{k}")
    elif hasattr(interface, "signature"):
        for name in interface.signature.members:
            yield from streams_of(getattr(interface, name), f"{path}_{name}".lstrip("_"))


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
        for name, each in streams_of(dut):
            check(self.m, each, name)
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
                ctx.set(payload, encode(shape, value))
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
                    log.values.append(decode(shape, bits))
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


def run_datapath(dut: Any, inputs: Sequence[int], *, latency: int | None = None) -> list[int]:
    """Bits of `dut.o` for the bits of `dut.i`, one a cycle, each exactly `latency` cycles after its input."""
    i, o = Value.cast(dut.i), Value.cast(dut.o)
    wait = dut.latency if latency is None else latency
    results: list[int] = []

    async def feed(ctx: Any) -> None:
        for bits in [*inputs, *[0] * wait]:
            ctx.set(i, bits)
            # The value before the clock edge that ends this cycle.
            results.append((await ctx.tick().sample(o.as_unsigned()))[2])

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(feed)
    simulator.run()
    return results[wait:]


def refuses(message: str, make: Callable[[], Any], error: type[Exception] = ValueError) -> None:
    """Asserts that `make` raises `error` with the given text in it."""
    text = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnusedElaboratable)
        try:
            make()
        except error as raised:
            text = str(raised)
        gc.collect()  # the rejected component, which Amaranth would report as never used
    assert text is not None, f"accepted, although {message}"
    assert message in text


def evaluate(shapes: Sequence[Any], build: Callable[..., Sequence[Any]], vectors: Sequence[Sequence[int]]) -> list[Any]:
    """The values of combinational expressions: for each vector of inputs, the list of results.

    Args:
        shapes: of the inputs. build: from input signals to the expressions.
    """
    m = Module()
    inputs = [Signal(shape, name=f"i{k}") for k, shape in enumerate(shapes)]
    outputs: list[Signal] = []
    for k, value in enumerate(build(*inputs)):
        outputs.append(Signal(Value.cast(value).shape(), name=f"o{k}"))
        m.d.comb += outputs[-1].eq(value)
    results: list[list[int]] = []

    async def run(ctx: Any) -> None:
        for vector in vectors:
            for signal, value in zip(inputs, vector, strict=True):
                ctx.set(signal, value)
            results.append([ctx.get(o) for o in outputs])

    simulator = Simulator(m)
    simulator.add_testbench(run)
    simulator.run()
    return results


def assert_independent(
    dut: Any, outputs: Sequence[Value], inputs: Sequence[Value], *, seed: int, cycles: int = 200
) -> None:
    """Asserts that no input reaches an output within a cycle, in the states of a random walk."""
    rng = random.Random(seed)
    everything = [Value.cast(v) for path, member, v in dut.signature.flatten(dut) if member.flow == In]

    async def walk(ctx: Any) -> None:
        for _ in range(cycles):
            for signal in everything:
                ctx.set(signal, rng.getrandbits(len(signal)))
            before = [ctx.get(o) for o in outputs]
            for signal in inputs:
                ctx.set(signal, rng.getrandbits(len(signal)))
                assert [ctx.get(o) for o in outputs] == before, f"{signal!r} reaches an output within the cycle"
            await ctx.tick()

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(walk)
    simulator.run()
