"""The read side of an engine's memory port on AXI4."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.bus.axi import PAGE_BYTES, RESPONSE_BITS, AddressLayout, ReadBeatLayout
from hw.bus.config import BusConfig, index_bits
from hw.bus.write_order import WriteOrderSignature
from hw.lib.bypass_buffer import BypassBuffer
from hw.lib.memory_port import ADDRESS_WIDTH, MAX_BURST, ReadSignature
from hw.lib.queue import StreamQueue
from hw.lib.stream import connect, transfer
from hw.lib.width_converter import Widener


class NoteLayout(data.StructLayout):
    """What is kept of a burst until its last beat."""

    def __init__(self) -> None:
        super().__init__(
            {
                "address": ADDRESS_WIDTH,  #: of its first byte
                "ends": 1,  #: its last word is that of a request
            }
        )


class AxiReader(wiring.Component):
    """Cuts requests into INCR bursts of up to `beats` beats within pages of 4 KiB, up to `reads` of them under way.

    A burst is offered in the cycle after its request was taken, if all it asks for is written (`order`), and one more
    a cycle. A beat is at `memory` in its cycle, or in the next where the bus is narrower than the memory's word. Every
    beat is counted: each burst gives its words once, in the order of the requests.

    A beat with an error sets `failed` until reset; neither it nor any later one reaches `memory`. After that, and
    with `stop`, no request is taken, and what comes for older ones is dropped.

    Raises:
        InputError: `bus` does not fit the port.
    """

    def __init__(self, *, width: int, bus: BusConfig) -> None:
        self.width, self.bus = width, bus.of(width)
        super().__init__(
            {
                "memory": In(ReadSignature(width)),  #: words to read
                "order": Out(WriteOrderSignature(index_bits(width))),  #: asks whether they are written
                "stop": In(1),  #: take no more requests, drop what is under way
                "ar": Out(stream.Signature(AddressLayout())),  #: bursts
                "r": In(stream.Signature(ReadBeatLayout(self.bus.width))),  #: their beats, in order
                "idle": Out(1),  #: no request waits, and every beat has come
                "failed": Out(1),  #: a beat came with an error
                "response": Out(RESPONSE_BITS),  #: that error, with `failed`
                "address": Out(ADDRESS_WIDTH),  #: of that beat's burst, with `failed`
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.notes = notes = StreamQueue(shape=NoteLayout(), depth=self.bus.reads)
        m.d.comb += self.idle.eq((notes.level == 0) & ~self._ask(m, notes.i))
        self._answer(m, notes.o)
        return m

    def _ask(self, m: Module, notes: stream.Interface) -> Signal:
        """AR, and a note of each burst; returns whether a request waits."""
        request, ar, order = self.memory.request, self.ar, self.order
        low = (self.width // 8 - 1).bit_length()
        page = 8 * PAGE_BYTES // self.width  # words
        held, index, left = Signal(), Signal(index_bits(self.width)), Signal(range(MAX_BURST + 1))
        # Words up to the page's end, a burst's longest, and all that is left: the least of them is asked for.
        to_end, limit, now = Signal(range(page + 1)), Signal(range(page + 1)), Signal.like(left)
        most = self.bus.burst_words(self.width)
        m.d.comb += [
            to_end.eq(page - index[: page.bit_length() - 1]),
            limit.eq(Mux(to_end < most, to_end, most)),
            now.eq(Mux(left < limit, left, limit)),
            ar.payload.address.eq(index << low),
            ar.payload.length.eq(now * self.bus.ratio(self.width) - 1),
            ar.valid.eq(held & order.clear & notes.ready),
            notes.payload.address.eq(ar.payload.address),
            notes.payload.ends.eq(now == left),
            notes.valid.eq(transfer(ar)),
            request.ready.eq((~held | (transfer(ar) & (now == left))) & ~self.stop & ~self.failed),
        ]
        m.d.sync += order.fresh.eq(transfer(request))
        with m.If(transfer(request)):
            first = request.payload.address[low:]
            m.d.sync += [
                held.eq(1),
                index.eq(first),
                left.eq(request.payload.length),
                order.first.eq(first),
                order.last.eq(first + request.payload.length - 1),
            ]
        with m.Elif(transfer(ar)):
            m.d.sync += [held.eq(now != left), index.eq(index + now), left.eq(left - now)]
        return held

    def _answer(self, m: Module, notes: stream.Interface) -> None:
        """R to words."""
        # RREADY comes from a register; a beat that can go on at once does.
        m.submodules.buffer = buffer = BypassBuffer(shape=self.r.payload.shape())
        connect(m, wiring.flipped(self.r), buffer.i)
        beat, drop, wrong = buffer.o, Signal(), Signal()
        m.d.comb += [
            wrong.eq(beat.payload.response[1]),
            drop.eq(self.stop | self.failed | wrong),
            notes.ready.eq(transfer(beat) & beat.payload.last),
        ]
        with m.If(transfer(beat) & wrong & ~self.failed):
            m.d.sync += [
                self.failed.eq(1),
                self.response.eq(beat.payload.response),
                self.address.eq(notes.payload.address),
            ]
        last = beat.payload.last & notes.payload.ends
        response, ratio = self.memory.response, self.bus.ratio(self.width)
        if ratio == 1:
            m.d.comb += [
                response.payload.data.eq(beat.payload.data),
                response.payload.last.eq(last),
                response.valid.eq(beat.valid & notes.valid & ~drop),
                beat.ready.eq(notes.valid & (response.ready | drop)),
            ]
            return
        element = data.StructLayout({"data": self.bus.width, "last": 1})
        m.submodules.widener = widener = Widener(shape=element, ratio=ratio)
        word = widener.o.payload.data
        m.d.comb += [
            widener.i.payload.data.data.eq(beat.payload.data),
            widener.i.payload.data.last.eq(last),
            widener.i.valid.eq(beat.valid & notes.valid & ~drop),
            beat.ready.eq(notes.valid & (widener.i.ready | drop)),
            *(response.payload.data.word_select(k, self.bus.width).eq(word[k].data) for k in range(ratio)),
            response.payload.last.eq(word[ratio - 1].last),
            response.valid.eq(widener.o.valid),
            widener.o.ready.eq(response.ready),
        ]
