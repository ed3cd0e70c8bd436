"""A self-test's result as a line of text."""

# Amaranth's ports are attributes made at run time.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false

from __future__ import annotations

from enum import IntEnum

from amaranth.hdl import Array, Cat, Const, Elaboratable, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hw.lib.stream import transfer

DIGITS = 16  # of checksum and cycles: their places in the text are the bytes DIGIT + 0 …
DIGIT = 0x80
END = 0  # the byte behind the text


class Verdict(IntEnum):
    """How a self-test ended."""

    PASS = 0  #: the results' checksum is the model's
    FAIL = 1  #: it is another one
    FAULT = 2  #: the engine has reached beyond the memory's end
    HANG = 3  #: the job did not end


class ResultLine(wiring.Component):
    """Sends `tessera ENGINE CONFIG verdict crc=XXXXXXXX cycles=XXXXXXXX`, and CR and LF, as ASCII.

    A byte takes 2 cycles or more.
    """

    def __init__(self, *, engine: str, config_hash: str) -> None:
        self.engine, self.config_hash = engine, config_hash
        super().__init__(
            {
                "start": In(1),  #: send the line; for one cycle, while not `busy`
                "verdict": In(Verdict),  #: how it ended
                "crc": In(32),  #: of the results
                "cycles": In(32),  #: that the job took
                "busy": Out(1),  #: the line is being sent
                "o": Out(stream.Signature(8)),  #: its bytes
            }
        )

    def text(self, verdict: Verdict) -> bytes:
        """The line, with `DIGIT + k` in the place of digit k of checksum and cycles."""
        crc, cycles = (bytes(range(DIGIT + k, DIGIT + k + 8)) for k in (0, 8))
        head = f"tessera {self.engine} {self.config_hash} {verdict.name.lower()}".encode()
        return head + b" crc=" + crc + b" cycles=" + cycles + b"\r\n"

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        texts = [self.text(verdict) for verdict in Verdict]
        room = 1 << max(map(len, texts)).bit_length()  # the end included
        rows = b"".join(text.ljust(room, bytes([END])) for text in texts)
        m.submodules.text = memory = Memory(shape=8, depth=len(rows), init=rows)
        read = memory.read_port()
        place, fetched = Signal(range(room)), Signal()
        digits = Cat(Cat(value.word_select(7 - k, 4) for k in range(8)) for value in (self.crc, self.cycles))
        digit = Signal(4)
        ascii_digits = Array(Const(ord(letter), 8) for letter in "0123456789abcdef")
        m.d.comb += [
            read.addr.eq(Cat(place, self.verdict)),
            digit.eq(digits.word_select(read.data[:4], 4)),
            self.o.valid.eq(self.busy & fetched & (read.data != END)),
            self.o.payload.eq(read.data),
        ]
        with m.If(read.data & DIGIT):
            m.d.comb += self.o.payload.eq(ascii_digits[digit])
        m.d.sync += fetched.eq(self.busy)
        with m.If(self.busy & fetched & (read.data == END)):
            m.d.sync += self.busy.eq(0)
        with m.If(transfer(self.o)):
            m.d.sync += [place.eq(place + 1), fetched.eq(0)]
        with m.If(self.start):
            m.d.sync += [place.eq(0), fetched.eq(0), self.busy.eq(1)]
        return m
