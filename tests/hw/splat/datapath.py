"""Runs a fixed-latency datapath in Amaranth's simulator, one row of inputs a cycle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from amaranth.hdl import Value
from amaranth.sim import Simulator


def run_datapath(
    unit: Any, rows: Sequence[Mapping[str, Any]], outputs: Mapping[str, Value], *, frame: Mapping[str, int] | None = None
) -> dict[str, list[int]]:
    """Feeds `rows` (members of `unit.i`) back to back and samples `outputs` `unit.latency` cycles later."""
    result: dict[str, list[int]] = {name: [] for name in outputs}

    async def bench(ctx: Any) -> None:
        if frame is not None:
            ctx.set(unit.frame, dict(frame))
        for cycle in range(len(rows) + unit.latency):
            if cycle < len(rows):
                ctx.set(unit.i, rows[cycle])
            if cycle >= unit.latency:
                for name, value in outputs.items():
                    result[name].append(ctx.get(value))
            await ctx.tick()

    simulator = Simulator(unit)
    simulator.add_clock(1e-9)
    simulator.add_testbench(bench)
    simulator.run()
    return result
