"""When flits and beats enter, where that is once in an interval of cycles."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from amaranth.hdl import Module, Signal, Value
from amaranth.lib.wiring import In, Member


def phase_port(interval: int) -> dict[str, Member]:
    """The port of a unit that takes flits or beats once in `interval` cycles, or gives them; none for 1."""
    port = {
        "phase": In(range(interval)),  #: counts cycles modulo `interval`; a flit or a beat enters at 0
    }
    return port if interval > 1 else {}


def enters_next(m: Module, unit: Any, interval: int) -> Signal | None:
    """The next cycle is phase 0, from a register; None where every cycle is."""
    if interval == 1:
        return None
    enters = Signal(name="enters_next")
    m.d.sync += enters.eq(unit.phase == interval - 2)
    return enters


def only_at(m: Module, condition: Value | None) -> AbstractContextManager[None]:
    """What is stated within holds if `condition` does, or always if there is none."""
    return nullcontext() if condition is None else m.If(condition)
