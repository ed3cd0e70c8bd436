"""The rules of AXI4's read channels on our side of the bus, with any other side that keeps them.

That what is offered stays, unchanged, until it is taken, is asserted of every channel by `StreamSpec`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Assert, Assume, Cat, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from hw.bus.axi import PAGE_BYTES, Response
from hw.bus.axi_reader import AxiReader
from hw.bus.burst_gather import BurstGather
from hw.bus.config import BusConfig
from hw.lib.ports import forward
from hw.lib.stream import transfer
from tests.formal.near_page_end import PLACE_BITS, NearPageEnd, address_of, in_a_page, keep_place
from tests.formal.spec import establish, scoreboard


@pytest.mark.slow
def test_axi_reader(tmp_path: Path) -> None:
    """Each request's words are asked for once, in order, in legal bursts; each word that comes is handed on once, with
    `last` at the request's end and at no other place; `idle` says that nothing is under way."""
    most, reads = 2, 2

    class Reader(wiring.Component):
        """All but the addresses."""

        def __init__(self) -> None:
            self.dut = AxiReader(width=32, bus=BusConfig(beats=most, reads=reads))
            names = ("memory", "ar", "r", "idle", "failed")
            self.passed = names
            members = {name: self.dut.signature.members[name] for name in names}
            super().__init__({**members, "place": In(PLACE_BITS), "clear": In(1)})

        def elaborate(self, platform: object) -> Elaboratable:
            m = Module()
            m.submodules.dut = dut = self.dut
            forward(m, self, dut, self.passed)
            m.d.comb += dut.memory.request.payload.address.eq(address_of(self.place))
            clear = Signal()  # comes when it likes and stays for the request
            m.d.sync += clear.eq(~transfer(self.memory.request) & (clear | self.clear))
            m.d.comb += dut.order.clear.eq(clear | self.clear)
            return m

    def properties(m: Module, dut: Any) -> Value:
        request, response, ar, r = dut.memory.request, dut.memory.response, dut.ar, dut.r
        length = request.payload.length
        keep_place(m, dut.place, request)
        m.d.comb += [Assume((length >= 1) & (length <= 4)), Assume(r.payload.response == Response.OKAY)]
        in_a_page(m, ar, most)
        # Requests, cut into bursts that follow each other.
        left, due = Signal(3), Signal(14)
        beats = (ar.payload.length + 1)[:3]
        with m.If(transfer(request)):
            m.d.sync += [left.eq(length), due.eq(address_of(dut.place))]
            m.d.sync += Assert(left == Mux(transfer(ar), beats, 0), "a request is taken before the last is asked for")
        with m.Elif(transfer(ar)):
            m.d.sync += [left.eq(left - beats), due.eq(due + (beats << 2))]
        with m.If(ar.valid):
            m.d.sync += Assert(ar.payload.address[:14] == due, "a burst does not follow the one before")
            m.d.sync += Assert(beats <= left, "more is asked for than was requested")
        # The slave: beats in order, LAST at each burst's end.
        bursts = scoreboard(
            m, ar, r, capacity=reads, expected=Cat(ar.payload.length[:1], left == beats), leaves=0, name="bursts"
        )
        second = Signal()
        ends = second == bursts.oldest[0]
        m.d.comb += [
            bursts.pop.eq(transfer(r) & r.payload.last),
            Assume(~r.valid | (bursts.held != 0)),
            Assume(~r.valid | (r.payload.last == ends)),
        ]
        with m.If(transfer(r)):
            m.d.sync += second.eq(~ends)
        word = Cat(r.payload.data[:2], r.payload.last & bursts.oldest[1])
        got = Cat(response.payload.data[:2], response.payload.last)
        # A beat goes on at once, or waits, one at a time.
        waiting, kept = Signal(), Signal(3)
        with m.If(transfer(r) & ~transfer(response)):
            m.d.sync += [waiting.eq(1), kept.eq(word)]
        with m.Elif(transfer(response)):
            m.d.sync += waiting.eq(0)
        with m.If(response.valid):
            m.d.sync += [Assert(waiting | r.valid), Assert(got == Mux(waiting, kept, word), "another word than came")]
        m.d.sync += Assert(~waiting | ~r.ready, "a beat is taken while one waits")
        busy = (left != 0) | (bursts.held != 0) | waiting
        m.d.sync += Assert(~dut.idle | ~busy, "idle, with words under way")
        return (bursts.held == reads) & second & response.valid

    establish(Reader, properties, tmp_path)


@pytest.mark.slow
def test_burst_gather(tmp_path: Path) -> None:
    """Every word is in one burst, at its place; no burst crosses 4 KiB or is too long."""
    most = 2

    def make() -> Any:
        dut = BurstGather(width=32, most=most)
        return NearPageEnd(
            dut, lambda dut: dut.i.payload.address, ("i", "o", "room", "flush", "closes", "burst", "open", "last")
        )

    def properties(m: Module, dut: Any) -> Value:
        index = address_of(dut.place)[2:]
        keep_place(m, dut.place, dut.i)
        first, words = Signal(11), Signal(2)
        begins = transfer(dut.i) & ((words == 0) | dut.closes)
        with m.If(begins):
            m.d.sync += [first.eq(index), words.eq(1)]
        with m.Elif(transfer(dut.i)):
            m.d.sync += [words.eq(words + 1), Assert(index == first + words, "a word is not where its burst has it")]
        with m.Elif(dut.closes):
            m.d.sync += words.eq(0)
        m.d.sync += [Assert(dut.open == (words != 0)), Assert(~dut.closes | dut.room)]
        with m.If(dut.open):
            m.d.sync += [
                Assert(dut.burst.first == first),
                Assert(dut.burst.words == words),
                Assert(dut.last == first + words - 1),
                Assert(words <= most, "a burst is too long"),
                Assert((dut.burst.first[:10] + words) <= PAGE_BYTES // 4, "a burst crosses 4 KiB"),
            ]
        return dut.closes & (words == most) & transfer(dut.i)

    establish(make, properties, tmp_path)
