"""The write side of an engine's memory port on AXI4."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.bus.axi import RESPONSE_BITS, AddressLayout, WriteBeatLayout
from hw.bus.burst_gather import BurstGather, BurstLayout
from hw.bus.config import BusConfig, index_bits
from hw.bus.write_ledger import WriteLedger
from hw.bus.write_order import WriteOrderSignature
from hw.lib.fork import StreamFork
from hw.lib.memory_port import ADDRESS_WIDTH, WriteSignature
from hw.lib.queue import StreamQueue
from hw.lib.stream import connect, transfer
from hw.lib.width_converter import Narrower


class AxiWriter(wiring.Component):
    """Gathers words into INCR bursts, writes them, and knows which are in memory.

    A burst has up to `beats` beats and lies in one page of 4 KiB; up to `writes` of them are under way. Its address
    and its first beat are offered 3 cycles after it was closed (`BurstGather`), independently of each other; beats
    follow one a cycle, all bytes strobed. Responses are counted: nothing is lost, nothing is written twice.

    The first response that is an error sets `failed` until reset. With `stop` no more words are taken, those
    that were are written.

    Raises:
        InputError: `bus` does not fit the port.
    """

    def __init__(self, *, width: int, bus: BusConfig) -> None:
        self.width, self.bus = width, bus.of(width)
        super().__init__(
            {
                "memory": In(WriteSignature(width)),  #: words to write
                "order": In(WriteOrderSignature(index_bits(width))),  #: what a reader asks
                "stop": In(1),  #: take no more words
                "aw": Out(stream.Signature(AddressLayout())),  #: bursts
                "w": Out(stream.Signature(WriteBeatLayout(self.bus.width))),  #: their beats, in order
                "b": In(stream.Signature(RESPONSE_BITS)),  #: a response to each burst, in order
                "idle": Out(1),  #: every word that was taken is in memory
                "failed": Out(1),  #: a burst was answered with an error
                "response": Out(RESPONSE_BITS),  #: that error, with `failed`
                "address": Out(ADDRESS_WIDTH),  #: of that burst, with `failed`
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        bus, width = self.bus, self.width
        most = bus.burst_words(width)
        m.submodules.gather = gather = BurstGather(width=width, most=most)
        m.submodules.ledger = ledger = WriteLedger(bits=index_bits(width), depth=bus.writes)
        # As deep as the ledger: whatever has a place there has one here.
        m.submodules.bursts = bursts = StreamQueue(shape=BurstLayout(width, most), depth=bus.writes)
        m.submodules.fork = fork = StreamFork(shape=BurstLayout(width, most), count=2)
        connect(m, bursts.o, fork.i)
        request = self.memory.request
        m.d.comb += [
            gather.i.payload.eq(request.payload),
            gather.i.valid.eq(request.valid & ~self.stop),
            request.ready.eq(gather.i.ready & ~self.stop),
            gather.room.eq(ledger.room),
            gather.flush.eq(ledger.flush),
            bursts.i.payload.eq(gather.burst),
            bursts.i.valid.eq(gather.closes),
            ledger.opened.eq(gather.open),
            ledger.span.first.eq(gather.burst.first),
            ledger.span.last.eq(gather.last),
            ledger.closes.eq(gather.closes),
            ledger.answered.eq(transfer(self.b) & ~ledger.empty),
            self.b.ready.eq(1),
            self.idle.eq(ledger.empty & ~gather.open),
        ]
        wiring.connect(m, wiring.flipped(self.order), ledger.order)
        self._addresses(m, fork.o[0])
        self._beats(m, fork.o[1], gather.o)
        with m.If(ledger.answered & self.b.payload[1] & ~self.failed):
            m.d.sync += [
                self.failed.eq(1),
                self.response.eq(self.b.payload),
                self.address.eq(ledger.oldest.first << (width // 8 - 1).bit_length()),
            ]
        return m

    def _addresses(self, m: Module, bursts: stream.Interface) -> None:
        """AW from registers."""
        ratio = self.bus.ratio(self.width)
        m.d.comb += bursts.ready.eq(~self.aw.valid | self.aw.ready)
        with m.If(bursts.ready):
            m.d.sync += [
                self.aw.valid.eq(bursts.valid),
                self.aw.payload.address.eq(bursts.payload.first << (self.width // 8 - 1).bit_length()),
                self.aw.payload.length.eq(bursts.payload.words * ratio - 1),
            ]

    def _beats(self, m: Module, bursts: stream.Interface, words: stream.Interface) -> None:
        """W: the beats of closed bursts, and no others."""
        ratio = self.bus.ratio(self.width)
        beats = words
        if ratio > 1:
            m.submodules.narrower = narrower = Narrower(shape=self.bus.width, ratio=ratio)
            m.d.comb += [
                narrower.i.payload.data.eq(words.payload),
                narrower.i.payload.count.eq(ratio),
                narrower.i.valid.eq(words.valid),
                words.ready.eq(narrower.i.ready),
            ]
            beats = narrower.o
        left = Signal(range(self.bus.beats + 1))  # beats of the burst that is written
        w = self.w
        m.d.comb += [
            w.payload.data.eq(beats.payload),
            w.payload.strobes.eq(~0),
            w.payload.last.eq(left == 1),
            w.valid.eq(beats.valid & (left != 0)),
            beats.ready.eq(w.ready & (left != 0)),
            bursts.ready.eq((left == 0) | (transfer(w) & w.payload.last)),
        ]
        with m.If(bursts.ready):
            m.d.sync += left.eq(Mux(bursts.valid, bursts.payload.words * ratio, 0))
        with m.Elif(transfer(w)):
            m.d.sync += left.eq(left - 1)
