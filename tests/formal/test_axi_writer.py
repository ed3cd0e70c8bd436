"""The rules of AXI4's write channels on our side of the bus, with any other side that keeps them.

That what is offered stays, unchanged, until it is taken, is asserted of every channel by `StreamSpec`.
"""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Assert, Assume, Cat, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from hw.bus.axi_writer import AxiWriter
from hw.bus.config import BusConfig
from hw.bus.write_ledger import WriteLedger
from hw.lib.ports import forward
from hw.lib.stream import transfer
from tests.formal.near_page_end import NearPageEnd, in_a_page, keep_place
from tests.formal.prove import RefutedError, prove
from tests.formal.spec import StreamSpec, establish, scoreboard

CYCLES = 14  # of a proof that is bounded


@pytest.mark.slow
def test_axi_writer(tmp_path: Path) -> None:
    """Every word taken is written once, in order; each burst has the beats that its address says, LAST with the last
    one; `idle` says that every burst was answered. In runs of up to `CYCLES` cycles: its queues are too deep for more.
    """
    most, writes = 2, 2

    def make() -> Any:
        dut = AxiWriter(width=32, bus=BusConfig(beats=most, writes=writes))
        return NearPageEnd(dut, lambda dut: dut.memory.request.payload.address, ("memory", "aw", "w", "b", "idle"))

    def properties(m: Module, dut: Any) -> Value:
        request, aw, w, b = dut.memory.request, dut.aw, dut.w, dut.b
        keep_place(m, dut.place, request)
        in_a_page(m, aw, most)
        words = scoreboard(
            m, request, w, capacity=writes * most + most, expected=request.payload.data[:2],
            got=w.payload.data[:2], name="words",
        )  # fmt: skip
        # Bursts that wait for their response: those with an address, and those with all their beats.
        beats, ended = Signal(2), transfer(w) & w.payload.last
        addressed, written = Signal(3), Signal(3)
        m.d.comb += Assume(~b.valid | ((addressed != 0) & (written != 0)))  # the slave answers what it has whole
        m.d.sync += [
            addressed.eq(addressed + transfer(aw) - transfer(b)),
            written.eq(written + ended - transfer(b)),
            Assert((addressed <= writes) & (written <= writes), "too many bursts under way"),
        ]
        with m.If(transfer(w)):
            m.d.sync += [beats.eq(Mux(w.payload.last, 0, beats + 1)), Assert(beats < most, "a burst has no end")]
        # Of every fourth burst, whichever the first of them, address and beats belong together.
        chosen, held_choice = Signal(2), Signal()
        numbers = [Signal(2, name=f"number_{k}") for k in range(2)]
        found, sizes = Signal(2), [Signal(name=f"size_{k}") for k in range(2)]
        m.d.sync += [chosen.eq(dut.any), held_choice.eq(1)]
        m.d.comb += Assume(~held_choice | (dut.any == chosen))
        with m.If(found.all()):
            m.d.sync += [Assert(sizes[0] == sizes[1], "LAST is not on the last beat"), found.eq(0)]
        for k, (moves, size) in enumerate(((transfer(aw), aw.payload.length[0]), (ended, beats[0]))):
            m.d.sync += numbers[k].eq(numbers[k] + moves)
            with m.If(moves & (numbers[k] == dut.any)):
                m.d.sync += [sizes[k].eq(size), found[k].eq(1)]
        busy = (words.held != 0) | (addressed != 0) | (written != 0)
        m.d.sync += Assert(~dut.idle | ~busy, "idle, with words under way")
        return (words.held == 1) & ended & (written != addressed)

    for name, probe in (("theorem", False), ("goal", True)):
        (tmp_path / name).mkdir()
        spec = StreamSpec(make(), properties, probe=probe)
        with pytest.raises(RefutedError, match="the goal is reached") if probe else nullcontext():
            prove(spec, tmp_path / name, depth=CYCLES, bounded="abc bmc3")


def test_write_ledger(tmp_path: Path) -> None:
    """A read is let through only when every burst that has any of its words, and came before it, was answered."""
    depth, bits = 2, 3

    class Watched(wiring.Component):
        """With a word that may be any, but stays."""

        def __init__(self) -> None:
            self.dut = WriteLedger(bits=bits, depth=depth)
            super().__init__({**self.dut.signature.members, "any": In(bits)})

        def elaborate(self, platform: object) -> Elaboratable:
            m = Module()
            m.submodules.dut = self.dut
            forward(m, self, self.dut, set(self.dut.signature.members))
            return m

    def properties(m: Module, dut: Any) -> Value:
        order, word, begun = dut.order, Signal(bits), Signal()
        asked = Signal()
        before = Signal(2 * bits)
        question = Cat(order.first, order.last)
        m.d.sync += [word.eq(dut.any), begun.eq(1), asked.eq(asked | order.fresh), before.eq(question)]
        m.d.comb += [
            Assume(~begun | (dut.any == word)),
            Assume(~dut.closes | (dut.room & dut.opened)),
            Assume(~dut.answered | ~dut.empty),
            Assume(order.fresh | ~asked | (question == before)),
            Assume(order.fresh | asked),
        ]
        has = dut.opened & (dut.span.first <= dut.any) & (dut.span.last >= dut.any)
        # Bursts of the ring with the word, the oldest lowest; and of those, which came before the question.
        held, old = Signal(range(depth + 1)), Signal(depth + 1)
        ring = Signal(depth + 1)
        open_old = Signal()
        now_old, now_open = Signal(depth + 1), Signal()
        m.d.comb += [now_old.eq(Mux(order.fresh, ring, old)), now_open.eq(Mux(order.fresh, has, open_old))]
        place = Signal.like(held)
        m.d.comb += place.eq(held - dut.answered)
        m.d.sync += [
            held.eq(place + dut.closes),
            ring.eq((ring >> dut.answered) | ((has & dut.closes) << place)),
            old.eq((now_old >> dut.answered) | ((now_open & dut.closes) << place)),
            open_old.eq(now_open & ~dut.closes),
        ]
        meets = (order.first <= dut.any) & (order.last >= dut.any)
        with m.If(meets & order.clear):
            m.d.sync += Assert(~now_old.any() & ~now_open, "a read passes a write of the same word")
        m.d.sync += [Assert(dut.empty == (held == 0)), Assert(dut.room == (held != depth))]
        return meets & order.clear & ~order.fresh & (held == 1)

    establish(Watched, properties, tmp_path)
