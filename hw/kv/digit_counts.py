"""Counts how often each value of a digit comes."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.lib.memory import two_port_memory


class DigitCounts(wiring.Component):
    """One lane's counts: one more a cycle, the same digit again at once if need be; or one read a cycle.

    A count is read, raised and written in 3 cycles; the two additions that follow it take its result
    before it is written. A count that is read with `wipe` is 0 afterwards. Nothing may be read
    until 3 cycles after the last addition. Counts are not reset: all must be wiped before the first addition.
    """

    def __init__(self, *, digit_bits: int, count_bits: int) -> None:
        self.digit_bits, self.count_bits = digit_bits, count_bits
        super().__init__(
            {
                "valid": In(1),  #: add one
                "digit": In(digit_bits),  #: to this count
                "reading": In(1),  #: read, while nothing is added
                "place": In(digit_bits),  #: this count
                "wipe": In(1),  #: and set it to 0
                "o": Out(count_bits),  #: the count that was read the cycle before
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        write, read = two_port_memory(m, platform, "counts", width=self.count_bits, depth=1 << self.digit_bits)
        place = Signal(self.digit_bits)
        now, now_valid = Signal(self.digit_bits), Signal()  # is being raised
        done, done_valid = Signal(self.digit_bits), Signal()  # is being written
        raised, old = Signal(self.count_bits), Signal(self.count_bits)
        wiping, wiped = Signal(), Signal(self.digit_bits)
        from_done, from_old = Signal(), Signal()
        m.d.comb += [
            place.eq(Mux(self.valid, self.digit, self.place)),
            read.addr.eq(place),
            # The row that is being written is taken from `old` instead.
            read.en.eq((self.valid | self.reading) & ~(done_valid & (done == place))),
            self.o.eq(read.data),
            write.addr.eq(Mux(wiping, wiped, done)),
            write.data.eq(Mux(wiping, 0, raised)),
            write.en.eq(wiping | done_valid),
        ]
        m.d.sync += [
            now.eq(self.digit),
            now_valid.eq(self.valid),
            from_done.eq(now_valid & (now == place)),
            from_old.eq(done_valid & (done == place)),
            done.eq(now),
            done_valid.eq(now_valid),
            raised.eq(Mux(from_done, raised, Mux(from_old, old, read.data)) + 1),
            old.eq(raised),
            wiping.eq(self.reading & self.wipe),
            wiped.eq(self.place),
        ]
        return m
