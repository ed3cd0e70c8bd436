"""Reads runs of words of any length."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.lib.burst_reader import BurstReader
from hw.lib.memory_port import ADDRESS_WIDTH, MAX_BURST, ReadSignature
from hw.lib.stream import connect, transfer

RUN_LENGTH_BITS = 24  # words of a run


class RunLayout(data.StructLayout):
    """Words that follow each other in memory."""

    def __init__(self) -> None:
        super().__init__(
            {
                "address": ADDRESS_WIDTH,  #: of the first word, in bytes
                "length": RUN_LENGTH_BITS,  #: in words, 1 or more
            }
        )


class RunReader(wiring.Component):
    """Cuts runs into bursts of at most `burst` words, and gives their words in order.

    A run is taken while the one before is still being asked for only at its last burst, so that
    runs of one burst follow each other every cycle. First word 1 cycle later than `BurstReader`.

    Raises:
        ValueError: `burst` is below 1, or exceeds `depth` or 64.
    """

    def __init__(self, *, width: int, depth: int, burst: int) -> None:
        most = min(depth, MAX_BURST)
        if not 1 <= burst <= most:
            raise ValueError(f"RunReader: burst must lie in 1..min(depth, {MAX_BURST}) = {most}, it is {burst}")
        self.width, self.depth, self.burst = width, depth, burst
        super().__init__(
            {
                "i": In(stream.Signature(RunLayout())),  #: runs to read
                "o": Out(stream.Signature(width)),  #: their words, in order
                "memory": Out(ReadSignature(width)),  #: where they lie
                "busy": Out(1),  #: a run is not asked for to its end, or words are under way or wait in `o`
                "asked": Out(1),  #: a burst is asked for in this cycle
                "asked_address": Out(ADDRESS_WIDTH),  #: of the burst's first word, while `asked`
                "asked_end": Out(ADDRESS_WIDTH),  #: of its last word
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.reader = reader = BurstReader(width=self.width, depth=self.depth)
        wiring.connect(m, wiring.flipped(self.memory), reader.memory)
        connect(m, reader.o, self.o)
        address = Signal(ADDRESS_WIDTH)
        left = Signal(RUN_LENGTH_BITS)
        asking = Signal()
        last = Signal()
        request = reader.i
        word_bytes = self.width // 8
        m.d.comb += [
            last.eq(left <= self.burst),
            request.payload.address.eq(address),
            request.payload.length.eq(Mux(last, left, self.burst)),
            request.valid.eq(asking),
            self.i.ready.eq(~asking | (last & request.ready)),
            self.busy.eq(asking | reader.busy),
            self.asked.eq(transfer(request)),
            self.asked_address.eq(address),
            self.asked_end.eq(address + (request.payload.length - 1).shift_left(word_bytes.bit_length() - 1)),
        ]
        with m.If(transfer(request)):
            m.d.sync += [
                address.eq(address + self.burst * word_bytes),
                left.eq(left - self.burst),
                asking.eq(~last),
            ]
        with m.If(transfer(self.i)):
            m.d.sync += [address.eq(self.i.payload.address), left.eq(self.i.payload.length), asking.eq(1)]
        return m
