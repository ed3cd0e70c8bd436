"""Where survivors enter the depth sort: a bank, and a place for what waits outside the heaps."""

from __future__ import annotations

from typing import NamedTuple

from amaranth.hdl import Cat, Const, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.splat.spec import RANK_BITS
from hw.lib.payloads import SplatLayout, TouchLayout
from hw.lib.stream import transfer, width_of
from hw.lib.tree import add_all
from hw.splat.config import Config
from hw.splat.heap_item import GROUP_BITS, ItemLayout
from hw.splat.layouts import SurvivorLayout
from hw.splat.slot_pool import SlotPool


class Half(NamedTuple):
    """Of the banks: what may enter it in this cycle."""

    pool: SlotPool
    turn: Signal  # one-hot: the bank that comes next
    chosen: Signal  # likewise: the bank that gets what enters
    able: Signal  # something may enter


class SortEntry(wiring.Component):
    """Gives every survivor a place and a bank, in turn, past those that are busy or full.

    A bank whose root leaves is preferred, since taking its place costs that bank no cycle. With two inputs the banks,
    and the places with them, stand in two halves: bank k in half k mod 2. A survivor and its partner go to both halves
    in one cycle; where the second takes none, the survivor goes first and its partner later. One alone goes to the
    halves in turn. A bound counts from the cycle in which it is seen. Latency 0.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        spec, self.ways = config.spec, config.sort_inputs
        self.slots = spec.sort_banks << spec.sort_levels
        slot, kept = range(self.slots // self.ways), width_of(TouchLayout(spec)) + width_of(SplatLayout(spec))
        flags = spec.sort_banks
        self.write = data.StructLayout({"slot": slot, "data": kept + RANK_BITS, "enable": 1})
        super().__init__(
            {
                "i": In(stream.Signature(SurvivorLayout(spec, self.ways))),  #: survivors and marks, in order of arrival
                "full": In(flags),  #: of each bank, as are the next three
                "free": In(flags),  #: it takes an item without a pop
                "pop": In(flags),  #: its root leaves in this cycle
                "ready": In(flags),  #: it takes an item in this cycle
                "item": Out(data.ArrayLayout(ItemLayout(spec), flags)),  #: for each bank …
                "enter": Out(flags),  #: … that gets one, if it is `ready`
                "kept": Out(data.ArrayLayout(self.write, self.ways)),  #: to the memory of each half
                #: places of each half that are free again; always taken
                "back": In(data.ArrayLayout(data.StructLayout({"slot": slot, "valid": 1}), self.ways)),
                "draining": In(GROUP_BITS),  #: number of the group whose splats leave
                "drops": In(1),  #: survivors are taken and go nowhere
                "filling": Out(GROUP_BITS),  #: number of the group that survivors belong to
                "bound": Out(spec.depth_bits),  #: nothing nearer than this comes any more
                "wanted": Out(1),  #: the survivor at hand finds every bank full
                "taken": Out(range(self.ways + 1)),  #: survivors that enter in this cycle
                "regressed": Out(1),  #: in this cycle a bound comes that is below the one before
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        mark = self.i.payload.mark
        later = Signal()  # the survivor at hand has entered, its partner has not
        some, pair = Signal(), Signal()
        there: Value = Const(0, 1)  # a partner, if there is a survivor
        m.d.comb += some.eq(mark.some)
        if self.ways > 1:
            there = self.i.payload.partner.there
            m.d.comb += pair.eq(some & there & ~later)
        halves = [self._half(m, half) for half in range(self.ways)]
        takes = Cat(half.able for half in halves)
        both, goes = Signal(), Signal(self.ways)
        crowded = Signal()  # the first half was full
        side = Signal()  # where a survivor alone goes if both halves take one
        if self.ways > 1:
            # Of a pair the first goes to the first half, unless that is full: so what a half gets is known early, and
            # whether it takes it may be known late.
            alone, first = Signal(2), Signal(2)  # where a survivor alone goes, and a pair or its first
            m.d.sync += crowded.eq(Cat(self.full[::2]).all())
            m.d.comb += [
                both.eq(pair & ~crowded & takes.all()),
                alone.eq(Mux(takes.all(), Mux(side, 0b10, 0b01), takes)),
                first.eq(Mux(crowded, Cat(0, takes[1]), Cat(takes[0], takes.all()))),
                goes.eq(Mux(pair, first, alone) & some.replicate(2)),
            ]
        else:
            m.d.comb += goes.eq(some & takes)
        another = (self.filling + 1)[:GROUP_BITS] != self.draining  # group has a number
        entering = goes & (self.i.valid & ~self.drops).replicate(self.ways)
        m.d.comb += [
            # An end waits while the groups inside have all the numbers.
            self.i.ready.eq(Mux(some, self.drops | (goes.any() & (both | ~pair)), ~mark.end | another)),
            self.taken.eq(add_all(list(entering))),
        ]
        for number, half in enumerate(halves):
            self._enter(m, number, half, entering[number], second=later | (there & ~crowded) if number else later)
        m.d.sync += [
            later.eq((later | entering.any()) & ~transfer(self.i)),
            side.eq(Mux(entering.any() & ~both, entering[0], side)),
        ]
        self._follow_marks(m)
        return m

    def _half(self, m: Module, number: int) -> Half:
        """The banks of a half: which gets the next survivor, and whether it can."""
        pops, free, ready = (Cat(flags[number :: self.ways]) for flags in (self.pop, self.free, self.ready))
        pool = SlotPool(count=self.slots // self.ways)
        m.submodules[f"pool_{number}" if self.ways > 1 else "pool"] = pool
        turn = Signal(len(pops), init=1, name=f"turn_{number}")
        chosen, able = Signal(len(pops), name=f"chosen_{number}"), Signal(name=f"able_{number}")
        # What leaves is known late. With two inputs the halves choose what enters, which must not wait for it: a full
        # bank takes something a cycle after its pop, and not beside it.
        takes = free.any() if self.ways > 1 else (chosen & ready).any()
        m.d.comb += [
            chosen.eq(Mux(pops.any(), first_from(turn, pops), Mux(free.any(), first_from(turn, free), turn))),
            able.eq(takes & pool.o.valid),
            pool.i.payload.eq(self.back[number].slot),
            pool.i.valid.eq(self.back[number].valid),
        ]
        return Half(pool, turn, chosen, able)

    def _enter(self, m: Module, number: int, half: Half, enters: Value, *, second: Value) -> None:
        """Puts the survivor at hand, or its partner if `second`, into a half if it `enters`."""
        here, kept = self.i.payload, self.kept[number]
        parts = [here, *([here.partner] if self.ways > 1 else [])]
        slot = half.pool.o.payload
        item = Signal(ItemLayout(self.config.spec), name=f"item_{number}")
        m.d.comb += [
            *(item[name].eq(_either(second, [part[name] for part in parts])) for name in ("rank", "depth")),
            item.group.eq(self.filling),
            item.slot.eq(Cat(slot, Const(number, self.ways.bit_length() - 1))),
            half.pool.o.ready.eq(enters),
            kept.slot.eq(slot),
            # Behind the splat lies its id, which waits with it where somebody wants it.
            kept.data.eq(Cat(_either(second, [kept_of(part) for part in parts]), item.rank)),
            kept.enable.eq(enters),
        ]
        # A single half's bank says itself whether it takes what is offered.
        offers = enters if self.ways > 1 else self.i.valid & here.mark.some & half.pool.o.valid & ~self.drops
        for place, bank in enumerate(range(number, self.config.spec.sort_banks, self.ways)):
            m.d.comb += [self.item[bank].eq(item), self.enter[bank].eq(offers & half.chosen[place])]
        with m.If(enters):
            m.d.sync += half.turn.eq(half.chosen.rotate_left(1))
        with m.If(transfer(self.i) & here.mark.end):
            m.d.sync += half.turn.eq(1)

    def _follow_marks(self, m: Module) -> None:
        """Counts groups, keeps the highest bound, and says what the banks have no room for."""
        mark = self.i.payload.mark
        with m.If(transfer(self.i)):
            with m.If(mark.end):
                m.d.sync += [self.filling.eq(self.filling + 1), self.bound.eq(0)]
            m.d.comb += self.regressed.eq(~mark.end & mark.begin & (mark.bound < self.bound))
        # A bound counts from the moment it is seen: it may make room for the survivor it comes with.
        rises = self.i.valid & mark.begin & (mark.bound > self.bound)
        with m.If(rises):
            m.d.sync += self.bound.eq(mark.bound)
        m.d.comb += self.wanted.eq(self.i.valid & mark.some & self.full.all() & ~rises)


def kept_of(payload: data.View) -> Value:
    """What waits outside the heaps, of a survivor or a sorted splat."""
    return Cat(Value.cast(payload.touch), Value.cast(payload.splat))


def _either(second: Value, values: list[Value]) -> Value:
    """The second of two values if `second`; the only one."""
    return Mux(second, values[1], values[0]) if len(values) > 1 else values[0]


def first_from(turn: Value, bits: Value) -> Value:
    """The first set bit alone, counted upwards and around from the one that is set in `turn`; 0 if there is none."""
    count = len(bits)

    def first(k: int) -> Value:
        others = [j for j in range(count) if j != k]
        return Cat(bits[k], *(~(bits[j] & _starts(turn, j, k).any()) for j in others)).all()

    return Cat(first(k) for k in range(count))


def _starts(turn: Value, j: int, k: int) -> Value:
    """The bits of `turn` from which j is met before k."""
    count = len(turn)
    return Cat(turn[t] for t in range(count) if (j - t) % count < (k - t) % count)
