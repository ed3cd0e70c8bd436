"""Blocks without streams under test: ports set and read cycle by cycle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from amaranth.hdl import Elaboratable, Value
from amaranth.lib.wiring import In
from amaranth.sim import Simulator


def play(
    dut: Any,
    cycles: Sequence[Mapping[str, Any]],
    outputs: Sequence[str],
    *,
    beside: Elaboratable | None = None,
    driven: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """Sets the inputs of each cycle, and 0 where it names none; returns the outputs before its last clock edge.

    Ports are named; structures are given by their fields, arrays as lists. `beside`: `dut` and what drives its
    inputs `driven`.
    """
    inputs = [name for name, member in dut.signature.members.items() if member.flow == In and name not in driven]
    results: list[dict[str, Any]] = []

    def put(ctx: Any, port: Any, value: Any) -> None:
        if isinstance(port, list | tuple):
            for k, each in enumerate(port):
                ctx.set(each, value[k] if value else 0)
        elif isinstance(value, Mapping):
            ctx.set(port, value)
        else:
            ctx.set(Value.cast(port), value or 0)

    def get(ctx: Any, port: Any) -> Any:
        return [ctx.get(each) for each in port] if isinstance(port, list | tuple) else ctx.get(port)

    async def run(ctx: Any) -> None:
        for cycle in cycles:
            assert set(cycle) <= set(inputs), f"{sorted(cycle)} are not all among {inputs}"
            for name in inputs:
                put(ctx, getattr(dut, name), cycle.get(name))
            results.append({name: get(ctx, getattr(dut, name)) for name in outputs})
            await ctx.tick()

    simulator = Simulator(beside or dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(run)
    simulator.run()
    return results
