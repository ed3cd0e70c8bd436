"""Saves a region's cache."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.radiance.memory_map import LINE_BYTES, layout_code, set_bytes
from hw.lib.memory_port import ADDRESS_WIDTH, WriteSignature
from hw.lib.queue import StreamQueue
from hw.lib.stream import transfer
from hw.radiance.checksum import Checksum
from hw.radiance.config import Config
from hw.radiance.layouts import DumpLayout, SetLayout, header_layout
from hw.radiance.regroup import regroup

ROWS_WAITING = 5


class SaveUnit(wiring.Component):
    """Writes the image of a cache; equals `golden.radiance.saved.save`.

    A word a cycle. The place's header is cleared first and written last, so that an image of which a word is missing
    has no header, whatever lay there before.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        super().__init__(
            {
                "start": In(1),  #: save; not while `busy`
                "address": In(ADDRESS_WIDTH),  #: where, in bytes; while `start`
                "identity": In(32),  #: of what the colours belong to; holds until `busy` falls
                "dump": Out(DumpLayout(config.spec)),  #: a set that is wanted …
                "row": In(SetLayout(config.spec)),  #: … and what it holds, a cycle later
                "free": Out(range(config.spec.sets + 1)),  #: while `busy`: sets before it are read, and may change
                "busy": Out(1),  #: words are still to be taken by `write`
                "write": Out(WriteSignature(config.memory_width)),  #: to memory
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        config, spec = self.config, self.config.spec
        m.submodules.checksum = checksum = Checksum(width=config.memory_width)
        m.submodules.queue = queue = StreamQueue(shape=8 * set_bytes(spec), depth=ROWS_WAITING)
        words = regroup(m, "words", queue.o, config.memory_width)
        header = Signal(header_layout())
        number = Signal(range(spec.sets + 1))  # sets asked for
        arriving = Signal()
        place, address = Signal(ADDRESS_WIDTH), Signal(ADDRESS_WIDTH)  # of the image, of the next row's word
        left = Signal(range(spec.sets * set_bytes(spec) // config.word_bytes + 1))  # words of rows
        writing, framing, whole = Signal(), Signal(), Signal()  # rows; a header; the last one
        request = self.write.request
        m.d.comb += [
            self.busy.eq(1),
            self.dump.valid.eq((number != spec.sets) & (queue.level + arriving < ROWS_WAITING)),
            self.dump.set.eq(number),
            self.free.eq(number),
            queue.i.payload.eq(Value.cast(self.row)),
            queue.i.valid.eq(arriving),
            *(header[name].eq(value) for name, value in layout_code(spec).items()),
            header.identity.eq(self.identity),
            header.checksum.eq(checksum.o),
            checksum.data.eq(words.payload),
            checksum.valid.eq(transfer(words)),
            words.ready.eq(request.ready & writing),
            request.valid.eq(framing | (writing & words.valid)),
            request.payload.address.eq(Mux(framing, place, address)),
            request.payload.data.eq(Mux(framing, Mux(whole, Value.cast(header), 0), words.payload)),
            request.payload.last.eq(1),
        ]
        m.d.sync += [arriving.eq(self.dump.valid), number.eq(number + self.dump.valid)]
        with m.If(transfer(words)):
            m.d.sync += [address.eq(address + config.word_bytes), left.eq(left - 1)]
        settle = Signal(range(4))
        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += [self.busy.eq(0), self.dump.valid.eq(0)]
                m.d.sync += [number.eq(0), left.eq(spec.sets * set_bytes(spec) // config.word_bytes)]
                m.d.comb += checksum.clear.eq(self.start)
                with m.If(self.start):
                    m.d.sync += [place.eq(self.address), address.eq(self.address + LINE_BYTES)]
                    m.next = "VOID"
            with m.State("VOID"):
                m.d.comb += framing.eq(1)
                with m.If(request.ready):
                    m.next = "ROWS"
            with m.State("ROWS"):
                m.d.comb += writing.eq(1)
                m.d.sync += settle.eq(Checksum.latency)
                with m.If(transfer(words) & (left == 1)):
                    m.next = "SETTLE"
            with m.State("SETTLE"):
                m.d.sync += settle.eq(settle - 1)
                with m.If(settle == 0):
                    m.next = "HEADER"
            with m.State("HEADER"):
                m.d.comb += [framing.eq(1), whole.eq(1)]
                with m.If(request.ready):
                    m.next = "IDLE"
        return m
