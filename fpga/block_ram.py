"""A board's memory in block RAM, behind the ports of an engine."""

# Amaranth's ports are attributes made at run time.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Elaboratable, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.lib.memory import two_port_memory
from hw.lib.memory_port import MAX_BURST, ReadDataLayout, ReadSignature, WriteLayout, WriteSignature
from hw.lib.skid_buffer import SkidBuffer
from hw.lib.stream import connect, transfer


class BlockRam(wiring.Component):
    """`words` words of `width` bits that hold `init` and then zeros when the device is configured; a reset keeps them.

    Reads and writes share one word a cycle, and writes go first: a read that is requested after a write was taken sees
    it. The first word of a burst is offered 3 cycles after its request was taken. An address beyond the end sets
    `fault` until reset; what is read there is another word, what is written there is dropped.

    Raises:
        ValueError: `width` is no power of two of at least 32, `words` none of at least 2, or `init` longer than that.
    """

    def __init__(self, *, width: int, words: int, init: Sequence[int] = ()) -> None:
        if words < 2 or words & (words - 1):
            raise ValueError(f"BlockRam: words must be a power of two of at least 2, it is {words}")
        if len(init) > words:
            raise ValueError(f"BlockRam: init must have at most {words} words, it has {len(init)}")
        self.width, self.words, self.init = width, words, init
        super().__init__(
            {
                "read": In(ReadSignature(width)),  #: its words
                "write": In(WriteSignature(width)),  #: words into it
                "fault": Out(1),  #: since reset there was an address beyond the end
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.writes = writes = SkidBuffer(shape=WriteLayout(self.width))
        m.submodules.responses = responses = SkidBuffer(shape=ReadDataLayout(self.width))
        connect(m, self.write.request, writes.i)
        connect(m, responses.o, self.read.response)
        write, read = two_port_memory(m, platform, "memory", width=self.width, depth=self.words, init=self.init)
        low = (self.width // 8).bit_length() - 1  # of the byte in a word
        place, beyond = Signal(len(writes.o.payload.address) - low), Signal()
        m.d.comb += [
            place.eq(writes.o.payload.address >> low),
            beyond.eq(place >= self.words),
            writes.o.ready.eq(1),
            write.addr.eq(place),
            write.data.eq(writes.o.payload.data),
            write.en.eq(writes.o.valid & ~beyond),
        ]
        with m.If(writes.o.valid & beyond):
            m.d.sync += self.fault.eq(1)
        self._serve(m, read, responses, busy=writes.o.valid, low=low)
        return m

    def _serve(self, m: Module, read: wiring.PureInterface, responses: SkidBuffer, *, busy: Value, low: int) -> None:
        """Cuts bursts into words, and reads one in every cycle in which no word is written and there is room."""
        request, response = self.read.request, responses.i
        place, left = Signal(len(request.payload.address) - low), Signal(range(MAX_BURST + 1))
        serve, held, last = Signal(), Signal(), Signal()  # `held`: a word that was read stands at the memory's output
        m.d.comb += [
            request.ready.eq(left == 0),
            serve.eq((left != 0) & ~busy & (~held | response.ready)),
            read.addr.eq(place),
            read.en.eq(serve),
            response.payload.data.eq(read.data),
            response.payload.last.eq(last),
            response.valid.eq(held),
        ]
        with m.If(transfer(request)):
            m.d.sync += [place.eq(request.payload.address >> low), left.eq(request.payload.length)]
        with m.If(serve):
            m.d.sync += [place.eq(place + 1), left.eq(left - 1), last.eq(left == 1), held.eq(1)]
            with m.If(place >= self.words):
                m.d.sync += self.fault.eq(1)
        with m.Elif(response.ready):
            m.d.sync += held.eq(0)
