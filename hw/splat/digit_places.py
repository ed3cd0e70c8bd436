"""Where a radix sort puts the next key with a digit: the counts of all keys' digits, and their sums."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hw.lib.memory import two_port_memory


class DigitPlaces(wiring.Component):
    """Counts every digit of every key, and for each turn makes places of that digit's counts.

    A key takes a cycle for each of its `turns` digits of `bits` bits, the lowest first. A turn takes 2**bits + 2
    cycles to begin, and leaves the counts of its digit empty for the next keys. Then `place` is how many keys have a
    lower digit, and how many with this one have moved already.
    """

    def __init__(self, *, bits: int, turns: int, capacity: int) -> None:
        self.bits, self.turns, self.capacity = bits, turns, capacity
        count = range(capacity + 1)
        super().__init__(
            {
                "key": In(bits * turns),  #: to count
                "counts": In(1),  #: count the key, which stays until `counted`
                "counted": Out(1),  #: in this cycle its last digit is
                "turn": In(range(turns)),  #: whose digit places are for, constant while it begins
                "total": In(count),  #: keys that have been counted, constant while a turn begins
                "begin": In(1),  #: make the turn's places, until `begun`
                "begun": Out(1),  #: they are made
                "shared": Out(1),  #: with `begun`: all keys have the same digit in this turn
                "moving": In(bits * turns),  #: a key to move
                "moves": In(1),  #: it goes to `place`
                "place": Out(count),  #: of `moving` in this turn, combinational
                "cleared": Out(1),  #: all counts are empty since the last reset; nothing may be asked before
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        digits, count = 1 << self.bits, range(self.capacity + 1)
        rows, width = self.turns * digits, self.capacity.bit_length()
        # A count is written a cycle after it was read, when the next one belongs to another turn or digit.
        write, read = two_port_memory(m, platform, "counts", width=width, depth=rows)
        m.submodules.places = places = Memory(shape=width, depth=digits, init=[])
        put, get = places.write_port(), places.read_port(domain="comb")

        step = Signal(range(self.turns))  # digit of the key that is counted
        clear = Signal(range(rows + 1))
        digit = Signal(range(digits + 2))  # of the turn that begins; two cycles more for its sums
        address, counting, summing = Signal(range(rows)), Signal(), Signal()
        below, shared = Signal(count), Signal()
        counted = self.counts & (step == self.turns - 1)
        m.d.comb += [
            self.cleared.eq(clear == rows),
            self.counted.eq(counted),
            read.addr.eq(
                Mux(self.begin, self.turn, step) * digits
                + Mux(self.begin, digit[: self.bits], self.key.word_select(step, self.bits))
            ),
            read.en.eq(self.counts | (self.begin & (digit < digits))),
            write.en.eq(counting | summing | ~self.cleared),
            write.addr.eq(Mux(self.cleared, address, clear)),
            write.data.eq(Mux(counting, read.data + 1, 0)),
            self.begun.eq(self.begin & (digit == digits + 1)),
            self.shared.eq(shared),
            get.addr.eq(self.moving.word_select(self.turn, self.bits)),
            self.place.eq(get.data),
            put.en.eq(summing | self.moves),
            put.addr.eq(Mux(summing, address[: self.bits], get.addr)),
            put.data.eq(Mux(summing, below, get.data + 1)),
        ]
        m.d.sync += [
            address.eq(read.addr),
            counting.eq(self.counts),
            summing.eq(self.begin & (digit < digits)),
            clear.eq(clear + ~self.cleared),
            digit.eq(Mux(self.begin & ~self.begun, digit + 1, 0)),
        ]
        with m.If(self.counts):
            m.d.sync += step.eq(Mux(counted, 0, step + 1))
        with m.If(summing):
            m.d.sync += [below.eq(below + read.data), shared.eq(shared | (read.data == self.total))]
        with m.Elif(~self.begin | self.begun):
            m.d.sync += [below.eq(0), shared.eq(0)]
        return m
