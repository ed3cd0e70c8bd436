"""Brings a region's saved cache back, or an empty one."""

from __future__ import annotations

from amaranth.hdl import Const, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.radiance.memory_map import HEADER_BYTES, LINE_BYTES, image_bytes, layout_code, set_bytes
from hw.lib.memory_port import ADDRESS_WIDTH, ReadSignature
from hw.lib.run_reader import RunReader
from hw.lib.stream import transfer
from hw.radiance.checksum import Checksum
from hw.radiance.config import Config
from hw.radiance.layouts import LoadLayout, SetLayout, header_layout
from hw.radiance.regroup import regroup

BURST = 32  # words a request


class RestoreUnit(wiring.Component):
    """Loads every set, from an image or as empty; equals `golden.radiance.saved.refusal`.

    A set a cycle, or as fast as its words come and as sets are free. An image of another length, version, geometry or
    identity, or whose checksum is not its rows', is refused: its sets are loaded again, as empty ones. While `busy` the
    sets hold what must not be looked up.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        super().__init__(
            {
                "start": In(1),  #: load all sets; not while `busy`
                "address": In(ADDRESS_WIDTH),  #: of the image, in bytes; holds until `busy` falls, as the next two
                "length": In(32),  #: bytes of it that there are; 0: the sets are to be empty
                "identity": In(32),  #: that it must have
                "free": In(range(config.spec.sets + 1)),  #: sets before it may be loaded; it does not fall while `busy`
                "load": Out(LoadLayout(config.spec)),  #: a set of the cache
                "busy": Out(1),  #: sets are still to be loaded
                "refused": Out(1),  #: high for a cycle when an image is
                "memory": Out(ReadSignature(config.memory_width)),  #: where the image lies
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        config, spec = self.config, self.config.spec
        width, burst = config.memory_width, min(BURST, config.image_words)
        m.submodules.reader = reader = RunReader(width=width, depth=config.image_words, burst=burst)
        m.submodules.checksum = checksum = Checksum(width=width)
        wiring.connect(m, wiring.flipped(self.memory), reader.memory)
        header = Signal(header_layout())
        fits = Signal()  # all of the header but its checksum
        expected = [header[name] == value for name, value in layout_code(spec).items()]
        number = Signal(range(spec.sets))
        last = number == spec.sets - 1
        running, clearing, may = Signal(), Signal(), Signal()  # rows are read, sets are emptied; the next set is free
        words = type(reader.o.signature).create(reader.o.signature)
        rows = regroup(m, "rows", words, 8 * set_bytes(spec))
        m.d.comb += [
            words.payload.eq(reader.o.payload),
            words.valid.eq(reader.o.valid & running),
            checksum.clear.eq(self.start),
            checksum.valid.eq(transfer(words)),
            checksum.data.eq(words.payload),
            may.eq(number < self.free),
            rows.ready.eq(may),
            self.load.valid.eq((rows.valid | clearing) & may),
            self.load.set.eq(number),
            Value.cast(self.load.row).eq(Mux(clearing, 0, rows.payload[: SetLayout(spec).size])),
            self.busy.eq(1),
        ]
        m.d.sync += fits.eq(Const(1) & (header.identity == self.identity) & _all(expected))
        with m.If(self.load.valid):
            m.d.sync += number.eq(Mux(last, 0, number + 1))
        settle = Signal(range(4))
        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += self.busy.eq(0)
                with m.If(self.start):
                    with m.If(self.length == image_bytes(spec)):
                        m.next = "ASK"
                    with m.Else():
                        m.d.comb += self.refused.eq(self.length != 0)
                        m.next = "CLEAR"
            with m.State("ASK"):
                m.d.comb += [
                    reader.i.payload.address.eq(self.address),
                    reader.i.payload.length.eq(1),
                    reader.i.valid.eq(1),
                ]
                with m.If(reader.i.ready):
                    m.next = "ASK_ROWS"
            with m.State("ASK_ROWS"):
                m.d.comb += [
                    reader.i.payload.address.eq(self.address + LINE_BYTES),
                    reader.i.payload.length.eq(spec.sets * set_bytes(spec) // config.word_bytes),
                    reader.i.valid.eq(1),
                ]
                with m.If(reader.i.ready):
                    m.next = "HEADER"
            with m.State("HEADER"):
                m.d.comb += reader.o.ready.eq(1)
                with m.If(reader.o.valid):
                    m.d.sync += Value.cast(header).eq(reader.o.payload[: 8 * HEADER_BYTES])
                    m.next = "ROWS"
            with m.State("ROWS"):
                m.d.comb += [running.eq(1), reader.o.ready.eq(words.ready)]
                m.d.sync += settle.eq(Checksum.latency)
                with m.If(self.load.valid & last):
                    m.next = "CHECK"
            with m.State("CHECK"):
                m.d.sync += settle.eq(settle - 1)
                with m.If(settle == 0):
                    m.next = "IDLE"
                    with m.If(~fits | (checksum.o != header.checksum)):
                        m.d.comb += self.refused.eq(1)
                        m.next = "CLEAR"
            with m.State("CLEAR"):
                m.d.comb += clearing.eq(1)
                with m.If(self.load.valid & last):
                    m.next = "IDLE"
        return m


def _all(terms: list[Value]) -> Value:
    result = terms[0]
    for term in terms[1:]:
        result = result & term
    return result
