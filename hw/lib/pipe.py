"""Fixed-latency datapaths written as expressions whose operands are kept in step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from amaranth.build import Platform
from amaranth.hdl import Cat, Const, Module, Mux, Shape, Signal, Value, unsigned
from amaranth.lib import data
from amaranth.lib.memory import Memory

from golden.tables import LinearTable, StepTable
from hw.lib.fixed import resize, shift_round
from hw.lib.leading_zeros import leading_zeros
from hw.lib.memory import two_port_memory
from hw.lib.tree import add_all

ALWAYS = -1  # the stage of a value that does not change while data is under way
RING_MIN_DELAY = 5  # a longer delay …
RING_MIN_BITS = 96  # … of at least so many register bits is a ring in memory
DEVICE_SPLIT = 18  # bits of a factor that a multiplier of an FPGA takes


@dataclass(frozen=True, eq=False)
class Staged:
    """A value and the clock cycle, counted from the datapath's input, in which it is there."""

    value: Any  # a Value or a View
    stage: int
    name: str


class Pipe:
    """Builds a datapath without stalls: every operation is followed by a register.

    `stage` applies a function to operands that may be of different ages: younger ones wait for
    the oldest in registers (long waits in a small ring memory), so a formula reads like the
    mathematics and is balanced by construction. Throughput one a cycle. Nothing but the rings'
    pointers is reset; a valid bit has to travel beside the data (`hw.lib.stream_pipeline`). The
    platform reaches the rings, where a proof asks that no row is written while it is read. Of a datapath
    that takes data once in `interval` cycles, a power of two, `turn` is the number of its cycle, 0 where data enters;
    there a value waits up to `interval` cycles in one register.
    """

    def __init__(self, m: Module, platform: object, *, interval: int = 1, turn: Value | None = None) -> None:
        self.m, self.platform, self.interval = m, platform, interval
        self.turn: Value = Const(0, 1) if turn is None else turn
        self._takes: dict[int, Signal] = {}
        self._delayed: dict[Staged, dict[int, Any]] = {}
        self._pointers: dict[int, tuple[Signal, Value]] = {}
        self._rings = self._roms = 0

    def source(self, value: Any, name: str, stage: int = 0) -> Staged:
        """A value that is there in cycle `stage`."""
        return Staged(value, stage, name)

    def constant(self, value: Any, name: str) -> Staged:
        """A value that holds still while data is under way (a register of the frame): it is never delayed."""
        return Staged(value, ALWAYS, name)

    def stage(self, function: Callable[..., Any], *items: Staged, name: str) -> Staged:
        """function(*values) of the operands, brought to the same cycle, then a register."""
        when = max(item.stage for item in items)
        result = function(*(self.at(item, when) for item in items))
        if not isinstance(result, data.View):
            result = Value.cast(result)
        return Staged(self._register(result, name), when + 1, name)

    def at(self, item: Staged, stage: int) -> Any:
        """The operand, delayed to cycle `stage`.

        Raises:
            ValueError: it is not there yet.
        """
        if item.stage == ALWAYS:
            return item.value
        if stage < item.stage:
            raise ValueError(f"{item.name} is there in cycle {item.stage}, not yet in cycle {stage}")
        known = self._delayed.setdefault(item, {item.stage: item.value})
        if self.interval > 1:
            return self._held(item, stage, known)
        if stage not in known:
            nearest = max(k for k in known if k < stage)
            wait = stage - nearest
            if wait >= RING_MIN_DELAY and wait * len(Value.cast(item.value)) >= RING_MIN_BITS:
                known[stage] = self._ring(known[nearest], wait, f"{item.name}_{stage}")
            else:
                for k in range(nearest + 1, stage + 1):
                    known[k] = self._register(known[k - 1], f"{item.name}_{k}")
        return known[stage]

    @contextmanager
    def every_cycle(self) -> Iterator[None]:
        """What is built within takes data in every cycle."""
        interval, self.interval = self.interval, 1
        yield
        self.interval = interval

    def _held(self, item: Staged, stage: int, known: dict[int, Any]) -> Any:
        """The same by registers that each take a value once in `interval` cycles."""
        last = item.stage + -(-(stage - item.stage) // self.interval) * self.interval  # its register's last cycle
        for k in range(item.stage + self.interval, last + 1, self.interval):
            if k not in known:
                with self.m.If(self._at_turn(item.stage)):
                    known[k] = self._register(known[k - self.interval], f"{item.name}_{k}")
        return known[last]

    def _at_turn(self, stage: int) -> Value:
        """Whether data may be in cycle `stage`; from a register."""
        turn = stage % self.interval
        if turn not in self._takes:
            self._takes[turn] = takes = Signal(init=turn == 0, name=f"turn_{turn}")
            self.m.d.sync += takes.eq(self.turn == (turn - 1) % self.interval)
        return self._takes[turn]

    def _register(self, value: Any, name: str) -> Any:
        register = Signal(value.shape(), name=name, reset_less=True)
        self.m.d.sync += Value.cast(register).eq(Value.cast(value))
        return register

    def _ring(self, value: Any, wait: int, name: str) -> Any:
        """A delay of `wait` cycles: write at a moving pointer, read the word written longest ago."""
        raw = Value.cast(value)
        write, read = two_port_memory(self.m, self.platform, f"ring_{self._rings}", width=len(raw), depth=wait)
        self._rings += 1
        pointer, oldest = self._pointer(wait)
        delayed = Signal(value.shape(), name=name)
        self.m.d.comb += [
            write.addr.eq(pointer),
            write.data.eq(raw),
            write.en.eq(1),
            read.addr.eq(oldest),
            Value.cast(delayed).eq(read.data),
        ]
        return delayed

    def _pointer(self, length: int) -> tuple[Signal, Value]:
        """A counter modulo `length`, one for all rings of that length, and its next value."""
        if length not in self._pointers:
            pointer = Signal(range(length), name=f"ring_pointer_{length}")
            after = Signal.like(pointer, name=f"ring_oldest_{length}")
            self.m.d.comb += after.eq(Mux(pointer == length - 1, 0, pointer + 1))
            self.m.d.sync += pointer.eq(after)
            self._pointers[length] = pointer, after
        return self._pointers[length]

    def join(self, items: Sequence[Staged], name: str) -> Staged:
        """The operands side by side, the first in the low bits, in the cycle of the oldest."""
        when = max(item.stage for item in items)
        return Staged(Cat(Value.cast(self.at(item, when)) for item in items), when, name)

    def unit(self, component: Any, **operands: Staged) -> Callable[[str], Staged]:
        """Feeds a fixed-latency component (`i`, `o`, `latency`) that stands in `m.submodules`.

        `operands` name the members of its `i`. Returns a function from a member of its `o` to that
        member's staged value.
        """
        when = max(item.stage for item in operands.values())
        if self.interval > 1:
            self.m.d.comb += component.turn.eq(self.turn - when % self.interval)
        for name, item in operands.items():
            self.m.d.comb += Value.cast(component.i[name]).eq(Value.cast(self.at(item, when)))
        return lambda name: Staged(component.o[name], when + component.latency, name)

    def finish(self, output: Any, latency: int, **results: Staged) -> None:
        """Drives the members of `output`, all in cycle `latency`.

        Raises:
            ValueError: the last result comes earlier or later: the stated latency is wrong.
        """
        latest = max(item.stage for item in results.values())
        if latest != latency:
            raise ValueError(f"the datapath takes {latest} cycles, its stated latency is {latency}")
        for name, item in results.items():
            self.m.d.comb += Value.cast(output[name]).eq(Value.cast(self.at(item, latency)))

    # Operations that take more than one stage ---------------------------------------------------

    def rom(self, words: Sequence[int], width: int, index: Staged, *, name: str) -> Staged:
        """words[index], two cycles later: the memory's register and one behind it.

        Raises:
            ValueError: a word does not fit in `width` bits, unsigned.
        """
        for place, word in enumerate(words):
            if not 0 <= word < 1 << width:
                raise ValueError(f"ROM {name}: word {place} must lie in 0..2**{width} - 1, it is {word}")
        self.m.submodules[f"rom_{self._roms}_{name}"] = memory = Memory(shape=width, depth=len(words), init=words)
        self._roms += 1
        read = memory.read_port()
        self.m.d.comb += read.addr.eq(Value.cast(index.value))
        return self.stage(lambda word: word, Staged(read.data, index.stage + 1, name), name=name)

    def step_table(self, table: StepTable, index: Staged, *, name: str) -> Staged:
        """The table's word for `index`; 2 cycles."""
        return self.rom(table.values, max(table.values).bit_length(), index, name=name)

    def linear_table(self, table: LinearTable, code: Staged, *, name: str) -> Staged:
        """The interpolated value for `code`, equal to table(code); 4 cycles."""
        base_bits, result = max(table.base).bit_length(), unsigned(table.highest.bit_length())
        words = [base | slope << base_bits for base, slope in zip(table.base, table.slope, strict=True)]
        index = Staged(code.value[table.rest_bits :], code.stage, f"{name}_index")
        word = self.rom(words, base_bits + table.slope_bits, index, name=f"{name}_word")
        rest = Staged(code.value[: table.rest_bits], code.stage, f"{name}_rest")
        product = self.stage(lambda w, r: w[base_bits:] * r, word, rest, name=f"{name}_product")

        base = Staged(word.value[:base_bits], word.stage, f"{name}_base")

        def combine(b: Value, p: Value) -> Value:
            rise = shift_round(p, table.slope_shift, "truncate")
            return resize(b - rise if table.falling else b + rise, result)

        return self.stage(combine, base, product, name=name)

    def wide_product(self, a: Staged, b: Staged, *, name: str, split: int = 18) -> Staged:
        """a · b, exact, for a `b` too wide for one multiplier: its halves apart, then their sum; 2 cycles."""
        low = self.stage(lambda x, y: x * y[:split], a, b, name=f"{name}_low")
        high = self.stage(lambda x, y: x * y.shift_right(split), a, b, name=f"{name}_high")
        return self.stage(lambda p, q: p + q.shift_left(split), low, high, name=name)

    def parted_product(self, a: Staged, b: Staged, *, name: str, split: int = 12) -> list[Staged]:
        """Terms whose sum is a · b, for the sum that follows: of b's low `split` bits, and of those above, if any.

        1 cycle, and a shorter one than the whole product's: five rounds of carry-save adders take 12 rows to two. The
        high bits are added one by one, without a multiplier. A device's own multipliers take 18 bits of `b` whole.
        """
        if isinstance(self.platform, Platform):
            split = DEVICE_SPLIT

        def of_high(x: Value, y: Value) -> Value:
            rows = [Mux(y[k], x, 0).shift_left(k) for k in range(split, len(y))]
            return add_all([*rows[:-1], -rows[-1]] if y.shape().signed else rows)

        if len(b.value) <= split:
            return [self.stage(lambda x, y: x * y, a, b, name=name)]
        low = self.stage(lambda x, y: x * y[:split], a, b, name=f"{name}_low")
        return [low, self.stage(of_high, a, b, name=f"{name}_high")]

    def leading_zeros(self, value: Staged, width: int, *, name: str) -> Staged:
        """Zeros above the highest set bit of a `width`-bit word, at most width - 1; 1 cycle."""
        return self.stage(lambda v: leading_zeros(resize(v, unsigned(width)) | 1), value, name=name)

    def shift_left(self, value: Staged, amount: Staged, width: int, *, name: str) -> Staged:
        """The low `width` bits of value << amount, of value's signedness; 2 cycles."""

        def cut(v: Value, a: Value) -> Value:
            return resize(v << a, Shape(width, v.shape().signed))

        coarse = self.stage(lambda v, a: cut(v, _eights(a)), value, amount, name=f"{name}_coarse")
        return self.stage(lambda v, a: cut(v, a[:3]), coarse, amount, name=name)

    def shift_right(self, value: Staged, amount: Staged, *, name: str) -> Staged:
        """value >> amount, truncated, in value's shape; 2 cycles."""
        coarse = self.stage(lambda v, a: v >> _eights(a), value, amount, name=f"{name}_coarse")
        return self.stage(lambda v, a: v >> a[:3], coarse, amount, name=name)

    def shift_right_half_up(self, value: Staged, amount: Staged, *, name: str) -> Staged:
        """(value + 2**(amount-1)) >> amount for amount >= 1, one bit wider than value; 2 cycles.

        Shifts by amount - 1, adds one, halves.
        """
        coarse = self.stage(lambda v, a: v >> _eights((a - 1)[: len(a)]), value, amount, name=f"{name}_coarse")
        return self.stage(lambda v, a: ((v >> (a - 1)[: min(3, len(a))]) + 1) >> 1, coarse, amount, name=name)

    def normalise(self, value: Staged, width: int, bits: int, *, name: str) -> tuple[Staged, Staged]:
        """The top `bits` bits of the `width`-bit word after its leading zeros, and their count.

        zeros = leading zeros, at most width - 1; top = (value << zeros) >> (width - bits).
        3 cycles, the count 1 cycle.
        """
        zeros = self.leading_zeros(value, width, name=f"{name}_zeros")
        shifted = self.shift_left(value, zeros, width, name=f"{name}_shifted")
        return Staged(shifted.value[width - bits :], shifted.stage, name), zeros


def _eights(amount: Value) -> Value:
    """`amount` without its lowest three bits: the coarse half of a shift in two stages."""
    return amount[3:].shift_left(3)
