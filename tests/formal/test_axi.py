"""The rules of AXI4 and AXI4-Lite on our side of the bus, with any other side that keeps them.

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

from hw.bus.axi import PAGE_BYTES, Response
from hw.bus.axi_lite_slave import AxiLiteSlave
from hw.bus.axi_reader import AxiReader
from hw.bus.axi_writer import AxiWriter
from hw.bus.burst_gather import BurstGather
from hw.bus.config import BusConfig
from hw.bus.job_control import JobControl
from hw.bus.registers import Access, Register, RegisterField, RegisterMap
from hw.bus.write_ledger import WriteLedger
from hw.lib.ports import forward
from hw.lib.stream import transfer
from tests.formal.prove import RefutedError, prove
from tests.formal.spec import StreamSpec, establish, scoreboard

CYCLES = 14  # of a proof that is bounded
PLACE_BITS = 3  # words around a page's end: as many as the premises leave free


class NearPageEnd(wiring.Component):
    """`dut` with the requests' addresses made of a few free bits: words before and behind a multiple of 4 KiB.

    Members:
        any: free bits for a proof's own use.
    """

    def __init__(self, dut: Any, request: Any, passed: tuple[str, ...]) -> None:
        self.dut, self.request, self.passed = dut, request, passed
        members = {name: dut.signature.members[name] for name in passed}
        super().__init__({**members, "place": In(PLACE_BITS), "any": In(2)})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.dut = self.dut
        forward(m, self, self.dut, self.passed)
        m.d.comb += self.request(self.dut).eq(address_of(self.place))
        return m


def address_of(place: Value) -> Value:
    return PAGE_BYTES - 4 * (1 << PLACE_BITS - 1) + (place << 2)


def keep_place(m: Module, place: Value, request: Any) -> None:
    """The free bits of an address stay while their request waits, as the rest of it does."""
    before, waiting = Signal(PLACE_BITS), Signal()
    m.d.sync += [before.eq(place), waiting.eq(request.valid & ~request.ready)]
    m.d.comb += Assume(~waiting | (place == before))


def in_a_page(m: Module, channel: Any, most: int) -> None:
    """A burst has at most `most` beats of 4 bytes and ends where its page does, or before."""
    beats = channel.payload.length + 1
    inside = channel.payload.address[:12] + (beats << 2) <= PAGE_BYTES
    with m.If(channel.valid):
        m.d.sync += [Assert(inside, "a burst crosses 4 KiB"), Assert(beats <= most, "a burst is too long")]


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


def few_registers() -> RegisterMap:
    setting = RegisterField(name="V", width=2, access=Access.SETTING, text="")
    constant = RegisterField(name="K", width=2, access=Access.CONSTANT, text="", value=2)
    return RegisterMap(
        name="few",
        registers=(
            Register(name="A", offset=0, text="", fields=(setting,)),
            Register(name="B", offset=4, text="", fields=(constant,)),
            Register(name="C", offset=8, text="", fields=(setting,)),
        ),
    )


def test_axi_lite_slave(tmp_path: Path) -> None:
    """One response to each write whose address and data have come, one to each read; a setting is what was last written
    to it, and where nothing can be written or read the response says so."""

    def properties(m: Module, dut: Any) -> Value:
        addresses, datas, reads = Signal(2), Signal(2), Signal(2)
        done, answered = transfer(dut.b), transfer(dut.r)
        m.d.sync += [
            addresses.eq(addresses + transfer(dut.aw) - done),
            datas.eq(datas + transfer(dut.w) - done),
            reads.eq(reads + transfer(dut.ar) - answered),
        ]
        with m.If(dut.b.valid):
            m.d.sync += Assert((addresses != 0) & (datas != 0), "a response to nothing")
        with m.If(dut.r.valid):
            m.d.sync += Assert(reads != 0, "an answer to nothing")
        m.d.sync += [Assert(addresses <= 1), Assert(datas <= 1), Assert(reads <= 1)]
        place, value, strobe, asked = Signal(2), Signal(2), Signal(), Signal(2)
        with m.If(transfer(dut.aw)):
            m.d.sync += place.eq(dut.aw.payload.address[2:])
        with m.If(transfer(dut.w)):
            m.d.sync += [value.eq(dut.w.payload.data), strobe.eq(dut.w.payload.strobes[0])]
        with m.If(transfer(dut.ar)):
            m.d.sync += asked.eq(dut.ar.payload.address[2:])
        fails = Mux(place[0], Response.SLVERR, Response.OKAY)  # the constant, and where no register is
        with m.If(dut.b.valid):
            m.d.sync += Assert(dut.b.payload == fails)
            with m.If((place == 2) & strobe):
                m.d.sync += Assert(dut.settings.c_v == value, "a setting is not what was written")
        with m.If(dut.r.valid):
            m.d.sync += Assert(dut.r.payload.response == Mux(asked == 3, Response.SLVERR, Response.OKAY))
            with m.If(asked == 1):
                m.d.sync += Assert(dut.r.payload.data == 2)
        return dut.b.valid & dut.r.valid & (asked == 1) & (place == 2)

    establish(lambda: AxiLiteSlave(registers=few_registers()), properties, tmp_path)


def test_job_control(tmp_path: Path) -> None:
    """The engine is begun once a job and only at rest, is reset only when the bus is, and a job with an error fails."""

    def properties(m: Module, dut: Any) -> Value:
        runs, quiet = Signal(), Signal()
        m.d.sync += quiet.eq(dut.bus_idle & dut.bus_stop)
        ends = dut.done | dut.failed
        m.d.sync += runs.eq((runs | dut.begins) & ~ends)
        was_reset = Signal()
        m.d.sync += was_reset.eq(dut.engine_reset)
        with m.If(dut.begins):
            m.d.sync += Assert(~runs & ~dut.engine_reset)
        with m.If(dut.done):
            m.d.sync += Assert(runs & dut.bus_idle & ~dut.bus_failed, "done, with something under way or wrong")
        with m.If(dut.engine_reset & ~was_reset):
            m.d.sync += Assert(quiet, "a reset while the bus is at work")
        m.d.sync += [Assert(~dut.engine_start | runs), Assert(~(dut.done & dut.failed)), Assert(~runs | dut.busy)]
        return dut.done

    establish(JobControl, properties, tmp_path)
