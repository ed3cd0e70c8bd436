from __future__ import annotations

from typing import Any

import pytest
from amaranth.hdl import ClockDomain, Module
from amaranth.lib import stream
from amaranth.sim import Simulator

from hw.lib.checker import check

#: (valid, payload, ready) a cycle.
Cycle = tuple[int, int, int]

LEGAL: list[list[Cycle]] = [
    [(0, 1, 0), (0, 2, 1), (0, 3, 0)],
    [(1, 5, 0), (1, 5, 0), (1, 5, 1), (0, 9, 0)],
    [(1, 5, 1), (1, 6, 1), (1, 7, 0), (1, 7, 1), (1, 8, 0)],
]


def watch(cycles: list[Cycle], *, reset: int | None = None) -> None:
    """Shows the checker the given cycles, with the reset active in cycle `reset`."""
    m = Module()
    m.domains.sync = domain = ClockDomain()
    interface = stream.Signature(8).create()
    check(m, interface, "watched")
    simulator = Simulator(m)
    simulator.add_clock(1e-6)

    async def run(ctx: Any) -> None:
        for cycle, (valid, payload, ready) in enumerate(cycles):
            ctx.set(domain.rst, cycle == reset)
            # Passing through other values within the cycle is no fault.
            for v, p in ((0, 0), (1, 255), (valid, payload)):
                ctx.set(interface.valid, v)
                ctx.set(interface.payload, p)
            ctx.set(interface.ready, ready)
            await ctx.tick()

    simulator.add_testbench(run)
    simulator.run()


@pytest.mark.parametrize("cycles", LEGAL)
def test_passes_what_is_legal(cycles: list[Cycle]) -> None:
    watch(cycles)


@pytest.mark.parametrize("before", LEGAL[:2])
def test_trips_on_withdrawn_valid(before: list[Cycle]) -> None:
    with pytest.raises(AssertionError, match="watched: valid was withdrawn"):
        watch([*before, (1, 4, 0), (0, 4, 0), (0, 4, 0)])


@pytest.mark.parametrize("before", LEGAL[:2])
def test_trips_on_a_changed_payload(before: list[Cycle]) -> None:
    with pytest.raises(AssertionError, match="watched: the payload changed"):
        watch([*before, (1, 4, 0), (1, 6, 1), (0, 6, 0)])


def test_reset_may_withdraw() -> None:
    withdrawn = [(1, 4, 0), (1, 4, 0), (0, 0, 0), (1, 7, 0), (1, 7, 1)]
    watch(withdrawn, reset=2)
    with pytest.raises(AssertionError, match="withdrawn"):
        watch(withdrawn, reset=3)
