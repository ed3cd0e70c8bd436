"""CRC-32 of what an engine left in memory."""

# Amaranth's ports are attributes made at run time.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Elaboratable, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.crc.catalog import CRC32_ISO_HDLC
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hw.lib.memory_port import ReadSignature
from hw.lib.run_reader import RunReader
from hw.lib.stream import transfer

READ_AHEAD = 16  # words


class RegionChecksum(wiring.Component):
    """`zlib.crc32` of the bytes from `address` on that `known` marks, in the order of their addresses.

    Bytes that are not marked are passed over. A byte takes a cycle, marked or not.

    Args:
        width: of a memory word. address: of the first word, in bytes.
        known: for every word of the region a mask of its bytes, the first byte's at bit 0.

    Raises:
        ValueError: `known` is empty, or `width` no power of two of at least 32.
    """

    def __init__(self, *, width: int, address: int, known: Sequence[int]) -> None:
        if not known:
            raise ValueError("RegionChecksum: known must have at least one word, it has 0")
        self.width, self.address, self.known = width, address, known
        super().__init__(
            {
                "start": In(1),  #: begin; for one cycle, while nothing is under way
                "done": Out(1),  #: `crc` is the region's; until the next start
                "crc": Out(32),  #: the checksum
                "memory": Out(ReadSignature(width)),  #: where the region lies
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        count, word_bytes = len(self.known), self.width // 8
        m.submodules.reader = reader = RunReader(width=self.width, depth=READ_AHEAD, burst=READ_AHEAD)
        m.submodules.known = masks = Memory(shape=word_bytes, depth=count, init=self.known)
        m.submodules.crc = crc = CRC32_ISO_HDLC().create()
        wiring.connect(m, wiring.flipped(self.memory), reader.memory)
        mask = masks.read_port()
        number = Signal(range(count + 1))  # of the word that is read
        word, marked, left = Signal(self.width), Signal(word_bytes), Signal(range(word_bytes + 1))
        m.d.comb += [
            reader.i.payload.address.eq(self.address),
            reader.i.payload.length.eq(count),
            # The mask follows its number by a cycle; a word takes more than two.
            mask.addr.eq(Mux(number == count, 0, number)),
            mask.en.eq(1),
            reader.o.ready.eq(left == 0),
            crc.start.eq(self.start),
            crc.data.eq(word[:8]),
            crc.valid.eq((left != 0) & marked[0]),
            self.crc.eq(crc.crc),
        ]
        with m.If(transfer(reader.o)):
            m.d.sync += [word.eq(reader.o.payload), marked.eq(mask.data), number.eq(number + 1), left.eq(word_bytes)]
        with m.Elif(left != 0):
            m.d.sync += [word.eq(word >> 8), marked.eq(marked >> 1), left.eq(left - 1)]
        with m.Elif(number == count):
            m.d.sync += self.done.eq(1)
        asking = Signal()
        m.d.comb += reader.i.valid.eq(asking)
        with m.If(transfer(reader.i)):
            m.d.sync += asking.eq(0)
        with m.If(self.start):
            m.d.sync += [asking.eq(1), number.eq(0), self.done.eq(0)]
        return m
