"""Performance counters: documented outputs that reports read; and numbers of what is held."""

from __future__ import annotations

from collections.abc import Mapping

from amaranth.hdl import Cat, Module, Shape, Signal, Value
from amaranth.lib import data

COUNTER_WIDTH = 40  # wraps after 18 minutes at 1 GHz


class CounterLayout(data.StructLayout):
    """One 40-bit counter per name; `descriptions` says what each counts."""

    def __init__(self, descriptions: Mapping[str, str]) -> None:
        self.descriptions = dict(descriptions)
        super().__init__(dict.fromkeys(descriptions, COUNTER_WIDTH))


def count(m: Module, counters: data.View, events: Mapping[str, Value], *, clear: Value) -> None:
    """Adds each event's value (a flag or a small number) to its counter every cycle.

    Latency 2 cycles: events come late in a cycle, from arbiters and handshakes, and wait in a register before they are
    added. So does `clear`, which is as late and has every counter to reach. It drops the events of its own cycle and of
    those before; those of the next cycle are the first that count. Counters wrap.

    Raises:
        KeyError: an event without a counter, or a counter without an event.
        TypeError: an event is signed.
    """
    names = set(counters.shape().members)
    if names != set(events):
        raise KeyError(f"counters and events differ in {sorted(names ^ set(events))}")
    clearing = Signal()
    m.d.sync += clearing.eq(clear)
    for name, event in events.items():
        if Shape.cast(event.shape()).signed:
            raise TypeError(f"event {name} must be unsigned, it is {event.shape()}")
        waiting = Signal(len(event), name=f"event_{name}")
        m.d.sync += [waiting.eq(event), counters[name].eq(counters[name] + waiting)]
    with m.If(clearing):
        m.d.sync += Value.cast(counters).eq(0)


def only_while(condition: Value, event: Value) -> Value:
    """The event's value while the condition holds, else 0; combinational."""
    return event & Cat(condition).replicate(len(event))


def hold(m: Module, number: Signal, comes: Value, goes: Value) -> None:
    """number += comes - goes, every cycle, by flags that are known late: they select between sums made beside them."""
    with m.If(comes & ~goes):
        m.d.sync += number.eq(number + 1)
    with m.Elif(~comes & goes):
        m.d.sync += number.eq(number - 1)
