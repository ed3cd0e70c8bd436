"""Datapaths, expressions and refusals under test."""

from __future__ import annotations

import gc
import random
import warnings
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from amaranth.hdl import Elaboratable, Module, Signal, UnusedElaboratable, Value
from amaranth.lib.wiring import In
from amaranth.sim import Simulator

from hw.lib.ports import ports_of


def run_datapath(
    dut: Any, inputs: Sequence[int], *, latency: int | None = None, held: Mapping[str, Any] = MappingProxyType({}),
    beside: Elaboratable | None = None,
) -> list[int]:  # fmt: skip
    """Bits of `dut.o` for the bits of `dut.i`, one a cycle, each exactly `latency` cycles after its input.

    `held`: values of other ports. `beside`: `dut` and what drives others of its inputs.
    """
    i, o = Value.cast(dut.i), Value.cast(dut.o)
    wait = dut.latency if latency is None else latency
    results: list[int] = []

    async def feed(ctx: Any) -> None:
        for name, value in held.items():
            ctx.set(getattr(dut, name), value)
        for bits in [*inputs, *[0] * wait]:
            ctx.set(i, bits)
            # The value before the clock edge that ends this cycle.
            results.append((await ctx.tick().sample(o.as_unsigned()))[2])

    simulator = Simulator(beside or dut)
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


def evaluate(
    shapes: Sequence[Any],
    build: Callable[..., Sequence[Any]],
    vectors: Sequence[Sequence[int]],
    m: Module | None = None,
) -> list[Any]:
    """The values of combinational expressions: for each vector of inputs, the list of results.

    Args:
        shapes: of the inputs. build: from input signals to the expressions. m: where `build` adds signals of its own.
    """
    m = m or Module()
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
    everything = [Value.cast(port.value) for port in ports_of(dut) if port.flow == In]

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
