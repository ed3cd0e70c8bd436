"""Fixed-latency datapaths written as expressions whose operands are kept in step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Module, Mux, Shape, Signal, Value
from amaranth.lib import data
from amaranth.lib.memory import Memory

from golden.tables import LinearTable, StepTable
from hw.lib.fixed import shift_right_half_up
from hw.lib.leading_zeros import leading_zeros

RING_MIN_DELAY = 5  # a longer delay …
RING_MIN_BITS = 96  # … of at least so many register bits is a ring in memory


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
    mathematics and is balanced by construction. Nothing is reset; a valid bit has to travel beside
    the data (`hw.lib.stream_pipeline`).
    """

    def __init__(self, m: Module) -> None:
        self.m = m
        self._delayed: dict[int, dict[int, Any]] = {}
        self._pointers: dict[int, Signal] = {}
        self._keep: list[Staged] = []  # ids in _delayed stay unique while the items live
        self._rings = self._roms = 0

    def source(self, value: Any, name: str, stage: int = 0) -> Staged:
        """A value that is there in cycle `stage`."""
        return Staged(value, stage, name)

    def stage(self, function: Callable[..., Any], *items: Staged, name: str) -> Staged:
        """function(*values) of the operands, brought to the same cycle, then a register."""
        when = max(item.stage for item in items)
        result = function(*(self.at(item, when) for item in items))
        if not isinstance(result, data.View):
            result = Value.cast(result)
        register = Signal(result.shape(), name=name, reset_less=True)
        self.m.d.sync += Value.cast(register).eq(Value.cast(result))
        return Staged(register, when + 1, name)

    def at(self, item: Staged, stage: int) -> Any:
        """The operand, delayed to cycle `stage`."""
        if stage < item.stage:
            raise ValueError(f"{item.name} is there in cycle {item.stage}, not yet in cycle {stage}")
        if stage == item.stage:
            return item.value
        if id(item) not in self._delayed:
            self._keep.append(item)
        known = self._delayed.setdefault(id(item), {item.stage: item.value})
        if stage not in known:
            nearest = max(k for k in known if k <= stage)
            wait = stage - nearest
            bits = len(Value.cast(item.value))
            if wait >= RING_MIN_DELAY and wait * bits >= RING_MIN_BITS:
                known[stage] = self._ring(known[nearest], wait, f"{item.name}_{stage}")
            else:
                for k in range(nearest + 1, stage + 1):
                    known[k] = self._register(known[k - 1], f"{item.name}_{k}")
        return known[stage]

    def _register(self, value: Any, name: str) -> Any:
        register = Signal(value.shape(), name=name, reset_less=True)
        self.m.d.sync += Value.cast(register).eq(Value.cast(value))
        return register

    def _ring(self, value: Any, wait: int, name: str) -> Any:
        """A delay of `wait` cycles: write at a moving pointer, read the word about to be overwritten."""
        raw = Value.cast(value)
        memory = Memory(shape=len(raw), depth=wait, init=[])
        self.m.submodules[f"ring_{self._rings}"] = memory
        self._rings += 1
        write, read = memory.write_port(), memory.read_port()
        if wait not in self._pointers:
            pointer = self._pointers[wait] = Signal(range(wait), name=f"ring_pointer_{wait}")
            self.m.d.sync += pointer.eq(Mux(pointer == wait - 1, 0, pointer + 1))
        pointer = self._pointers[wait]
        self.m.d.comb += [
            write.addr.eq(pointer),
            write.data.eq(raw),
            write.en.eq(1),
            read.addr.eq(Mux(pointer == wait - 1, 0, pointer + 1)),
        ]
        delayed = Signal(value.shape(), name=name)
        self.m.d.comb += Value.cast(delayed).eq(read.data)
        return delayed

    # Operations that take more than one stage ---------------------------------------------------

    def rom(self, words: Sequence[int], width: int, index: Staged, *, name: str) -> Staged:
        """words[index], two cycles later: the memory's register and one behind it."""
        memory = Memory(shape=width, depth=len(words), init=words)
        self.m.submodules[f"rom_{self._roms}_{name}"] = memory
        self._roms += 1
        read = memory.read_port()
        self.m.d.comb += read.addr.eq(Value.cast(index.value))
        return self.stage(lambda word: word, Staged(read.data, index.stage + 1, name), name=name)

    def step_table(self, table: StepTable, index: Staged, *, name: str) -> Staged:
        """The table's word for `index`; 2 cycles."""
        return self.rom(table.values, max(v.bit_length() for v in table.values), index, name=name)

    def linear_table(self, table: LinearTable, code: Staged, *, name: str) -> Staged:
        """The interpolated value for `code`, equal to table(code); 4 cycles."""
        base_width = max(v.bit_length() for v in table.base)
        words = [b | s << base_width for b, s in zip(table.base, table.slope, strict=True)]
        index = Staged(code.value[table.rest_bits :], code.stage, f"{name}_index")
        word = self.rom(words, base_width + table.slope_bits, index, name=f"{name}_word")
        rest = Staged(code.value[: table.rest_bits], code.stage, f"{name}_rest")
        rise = self.stage(lambda w, r: w[base_width:] * r, word, rest, name=f"{name}_rise")

        def combine(w: Value, product: Value) -> Value:
            step = product >> table.slope_shift
            base = w[:base_width]
            return (base - step)[:base_width] if table.falling else base + step

        return self.stage(combine, word, rise, name=name)

    def leading_zeros(self, value: Staged, width: int, *, name: str) -> Staged:
        """Zeros above the highest set bit of a `width`-bit word, at most width - 1; 1 cycle."""

        def count(v: Value) -> Value:
            return leading_zeros(v[:width] | 1)

        return self.stage(count, value, name=name)

    def shift_left(self, value: Staged, amount: Staged, width: int, *, name: str) -> Staged:
        """The low `width` bits of value << amount, of value's signedness; 2 cycles."""

        def coarse(v: Value, a: Value) -> Value:
            return _like(v, (v << (a & ~7)[: len(a)])[:width])

        def fine(v: Value, a: Value) -> Value:
            return _like(v, (v << a[:3])[:width])

        return self.stage(fine, self.stage(coarse, value, amount, name=f"{name}_coarse"), amount, name=name)

    def shift_right(self, value: Staged, amount: Staged, *, name: str) -> Staged:
        """value >> amount, truncated; 2 cycles."""
        coarse = self.stage(lambda v, a: v >> (a & ~7)[: len(a)], value, amount, name=f"{name}_coarse")
        return self.stage(lambda v, a: v >> a[:3], coarse, amount, name=name)

    def shift_right_half_up(self, value: Staged, amount: Staged, *, name: str) -> Staged:
        """(value + 2**(amount-1)) >> amount for amount >= 1; 2 cycles."""

        def coarse(v: Value, a: Value) -> Value:
            return v >> (a - 1).as_unsigned()[: len(a)] if len(a) <= 3 else v >> ((a - 1).as_unsigned()[: len(a)] & ~7)

        def fine(v: Value, a: Value) -> Value:
            rest = (a - 1).as_unsigned()[:3]
            return ((v >> rest) + 1) >> 1

        if len(Value.cast(amount.value)) <= 3:
            return self.stage(shift_right_half_up, value, amount, name=name)
        return self.stage(fine, self.stage(coarse, value, amount, name=f"{name}_coarse"), amount, name=name)

    def normalise(self, value: Staged, width: int, bits: int, *, name: str) -> tuple[Staged, Staged]:
        """The top `bits` bits of the `width`-bit word after its leading zeros, and their count.

        The twin of `golden.splat.fine_filter.normalise`; 3 cycles, the count 1 cycle.
        """
        zeros = self.leading_zeros(value, width, name=f"{name}_zeros")
        shifted = self.shift_left(value, zeros, width, name=f"{name}_shifted")
        return Staged(shifted.value[width - bits :], shifted.stage, name), zeros


def _like(original: Value, result: Value) -> Value:
    return result.as_signed() if Shape.cast(original.shape()).signed else result
