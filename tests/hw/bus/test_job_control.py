from __future__ import annotations

from typing import Any

from amaranth.sim import Simulator

from hw.bus.job_control import RESET_CYCLES, JobControl
from hw.lib.ports import ports_of

OUTPUTS = ("engine_start", "bus_stop", "engine_reset", "busy", "begins", "done", "failed")


def outputs(steps: list[str]) -> list[str]:
    """The outputs that are high, cycle by cycle, for the inputs that are."""
    dut = JobControl()
    found: list[str] = []

    async def run(ctx: Any) -> None:
        for step in steps:
            for name in ("start", "stop", "engine_busy", "bus_idle", "bus_failed"):
                ctx.set(getattr(dut, name), name in step.split())
            found.append(" ".join(name for name in OUTPUTS if ctx.get(getattr(dut, name))))
            await ctx.tick()

    assert {port.name for port in ports_of(dut)} >= set(OUTPUTS)
    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(run)
    simulator.run()
    return found


def test_a_job_that_ends_well() -> None:
    """It is done when the engine is and the bus has answered all."""
    steps = ["bus_idle", "start bus_idle", "", "start engine_busy", "engine_busy", "", "", "bus_idle", "bus_idle"]
    assert outputs(steps) == ["", "begins", "engine_start busy", "busy", "busy", "busy", "busy", "busy done", ""]


def test_an_error_stops_the_bus_drains_it_and_resets_the_engine() -> None:
    steps = ["start", "", "engine_busy", "engine_busy bus_failed", "engine_busy bus_failed", "bus_failed bus_idle"]
    got = outputs([*steps, *["bus_idle"] * (RESET_CYCLES + 1)])
    assert got[3:6] == ["busy", "bus_stop busy", "bus_stop busy failed"]
    assert got[6:] == [*["bus_stop engine_reset busy"] * RESET_CYCLES, ""]


def test_an_error_of_the_last_words_counts_too() -> None:
    steps = ["start", "", "engine_busy", "", "", "bus_failed bus_idle", "bus_failed bus_idle"]
    assert outputs(steps)[-2:] == ["busy", "bus_stop busy failed"]


def test_stop_works_at_any_time() -> None:
    for before in ([], ["start", "", "engine_busy"], ["start", "", "engine_busy", "", ""]):
        got = outputs([*before, "stop", "", "bus_idle", "bus_idle"])
        assert got[-2:] == ["bus_stop busy failed", "bus_stop engine_reset busy"]
