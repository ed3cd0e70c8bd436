"""Reads rows of the memory image that are longer than a word: headers, entries of tables."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.lib.burst_reader import BurstReader
from hw.lib.memory_port import ADDRESS_WIDTH, MAX_BURST, ReadSignature
from hw.lib.stream import transfer


class RowReader(wiring.Component):
    """Turns addresses into rows of `row_bytes`, each read in one burst.

    A row leaves 1 cycle after its last word; with `ahead` rows asked for at a time the next one's words follow
    without a gap. With 0 a row is asked for when the one before has been taken, and no word waits. `o.payload` keeps
    a row that was taken until the first word of the next one arrives, so whoever reads one row at a time needs no
    register of his own.

    Raises:
        ValueError: a row is no whole number of words, or more than 64, or `ahead` is below 0.
    """

    def __init__(self, *, width: int, row_bytes: int, ahead: int = 1) -> None:
        self.words, rest = divmod(8 * row_bytes, width)
        if rest or not 1 <= self.words <= MAX_BURST:
            raise ValueError(
                f"RowReader: row_bytes must be 1 to {MAX_BURST} words of {width // 8} bytes, it is {row_bytes}"
            )
        if ahead < 0:
            raise ValueError(f"RowReader: ahead must be at least 0, it is {ahead}")
        self.width, self.ahead = width, ahead
        super().__init__(
            {
                "i": In(stream.Signature(ADDRESS_WIDTH)),  #: addresses of rows, in bytes
                "o": Out(stream.Signature(8 * row_bytes)),  #: the rows, in order; the first byte is the lowest
                "memory": Out(ReadSignature(width)),  #: where they lie
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        if self.ahead == 0:
            self._one_by_one(m)
            return m
        m.submodules.reader = reader = BurstReader(width=self.width, depth=max(self.ahead * self.words, 2))
        wiring.connect(m, wiring.flipped(self.memory), reader.memory)
        missing = Signal(range(self.words + 1), init=self.words)  # words of the row that is being put together
        m.d.comb += [
            reader.i.payload.address.eq(self.i.payload),
            reader.i.payload.length.eq(self.words),
            reader.i.valid.eq(self.i.valid),
            self.i.ready.eq(reader.i.ready),
            reader.o.ready.eq(~self.o.valid | self.o.ready),
        ]
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(transfer(reader.o)):
            self._gather(m, missing, reader.o.payload)
        return m

    def _one_by_one(self, m: Module) -> None:
        """Words go straight to the row, which is free for them."""
        request, response = self.memory.request, self.memory.response
        missing = Signal(range(self.words + 1), init=self.words)
        coming = Signal()
        free = ~coming & ~self.o.valid
        m.d.comb += [
            request.payload.address.eq(self.i.payload),
            request.payload.length.eq(self.words),
            request.valid.eq(self.i.valid & free),
            self.i.ready.eq(request.ready & free),
            response.ready.eq(1),
        ]
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(transfer(request)):
            m.d.sync += coming.eq(1)
        with m.If(response.valid):
            self._gather(m, missing, response.payload.data)
            m.d.sync += coming.eq(missing != 1)

    def _gather(self, m: Module, missing: Signal, word: Value) -> None:
        """A word of the row comes."""
        m.d.sync += [
            self.o.payload.eq(Cat(self.o.payload, word)[self.width :]),
            missing.eq(Mux(missing == 1, self.words, missing - 1)),
            self.o.valid.eq(missing == 1),
        ]
