"""One level of the pipelined heap: pairs of siblings in memory."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from golden.splat.spec import Spec
from hw.lib.memory import two_port_memory
from hw.splat.heap_item import GROUP_BITS, HeapAnswer, HeapOperation, ItemLayout, comes, incoming, order_key


class HeapLevel(wiring.Component):
    """Level `level` (2 or more) of a heap of `spec.sort_levels` levels.

    An operation comes with the number of the pair below its parent. One cycle later the level
    answers: a pop sends the nearer sibling `up` and goes on below its place; an insert keeps the
    nearer of item and entry, on the side with fewer entries, and goes on below with the other; a
    replacement sends a sibling up that is nearer than the item, puts the item in the sibling's place,
    and goes on below that with the item. If none is nearer, nothing comes up, for the level above has
    put the item in its place already.
    Operations on a heap start at least 2 cycles apart, and an insert reaches each level one cycle
    later than a pop or a replacement would. An item is written in the cycle after the answer, what comes up
    from below in the one after that: so a level never writes twice in a cycle, and no path leads from its
    memory into another's or back into its own. Nor does a comparison choose between whole entries. What it says goes
    into a register beside them, and the choice is made in the next cycle, here, above or below.
    Which of two siblings is nearer is worked out when one of them is written, and kept beside them,
    so that a pop chooses without a comparison.
    """

    def __init__(self, *, spec: Spec, level: int) -> None:
        self.spec, self.level = spec, level
        super().__init__(
            {
                "i": In(HeapOperation(spec, level)),  #: from the level above
                "i_valid": In(1),  #: there is an operation; it is always taken
                "up": Out(HeapAnswer(spec)),  #: what fills the parent's place, if it `comes`
                "o": Out(HeapOperation(spec, level + 1)),  #: for the level below, in the answer's cycle
                "o_valid": Out(1),  #: the operation goes on below
                "fill": In(HeapAnswer(spec)),  #: what the level below sends up, one cycle after the answer
                "group": In(GROUP_BITS),  #: being drained
                "clear": In(1),  #: after reset: empties `clear_pair`, without an operation
                "clear_pair": In(spec.sort_levels),  #: number of a pair; those beyond this level's are ignored
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        item = ItemLayout(self.spec)
        pairs = 1 << (self.level - 1)
        size = self.spec.sort_levels - self.level  # bits of the number of entries below and at a place

        valid = Signal()
        asked = Signal(HeapOperation(self.spec, self.level))
        insert, replace, pair = asked.insert, asked.replace, asked.pair
        new = Signal(item)
        m.d.sync += [valid.eq(self.i_valid), asked.eq(self.i)]
        m.d.comb += Value.cast(new).eq(incoming(asked))

        m.submodules.counts = counts = Memory(shape=2 * size, depth=pairs, init=[])
        count_write = counts.write_port()
        count_read = counts.read_port(transparent_for=[count_write])
        ports = [
            two_port_memory(m, platform, f"entries_{k}", width=item.size, depth=pairs, meet=True) for k in range(2)
        ]
        m.d.comb += [read.addr.eq(self.i.pair) for _, read in ports]
        m.d.comb += count_read.addr.eq(self.i.pair)
        m.submodules.order = order = Memory(shape=1, depth=pairs, init=[])  # side 1 is the nearer, if both are there
        order_write = order.write_port()
        order_read = order.read_port(transparent_for=[order_write])
        m.d.comb += order_read.addr.eq(self.i.pair)

        side = Signal()
        takes, refills, opens = Signal(), Signal(), Signal()
        # Kept for the write, before which no other operation needs these registers.
        writing_side, writing_pair = Signal(), Signal.like(pair)
        sibling = Signal(item)  # of the entry there
        placed = Signal(item)  # the item goes there …
        placed_first = Signal()  # … and comes before the sibling …
        fill = Signal(HeapAnswer(self.spec))  # … until this comes up from below
        fill_first = Signal()
        filled, second_nearer = Signal(item), Signal()  # what is written: the entry, and that side 1 is the nearer now
        opened, due, writing = Signal(), Signal(), Signal()
        m.d.sync += [fill.eq(self.fill), opened.eq(opens), due.eq(takes | refills)]
        m.d.comb += [
            Value.cast(filled).eq(Mux(comes(fill), Value.cast(fill.item), Value.cast(placed))),
            fill_first.eq(order_key(fill.item, self.group) < order_key(sibling, self.group)),
            second_nearer.eq(Mux(comes(fill), fill_first, placed_first) == writing_side),
            writing.eq(comes(fill) | due),
        ]

        held = [Signal(item, name=f"entry_{k}") for k in range(2)]
        count = [Signal(size, name=f"count_{k}") for k in range(2)]
        # What is read before it is written, or while it is, is taken on its way. Numbers are compared a cycle before,
        # for all that is chosen here waits for the answer.
        passing = Signal(2)  # is written now (or, behind a pop, the side has no entry any more)
        latest, wrote, follows = Signal(item), Signal(2), Signal()  # was written in the cycle before
        nearby = Signal(item)
        before = Signal()  # side 1 is the nearer, if both are there
        meets = (opened & (writing_pair == self.i.pair), takes & (pair == self.i.pair))
        m.d.sync += [
            passing.eq(Mux(meets[0], _only(writing_side), 0) | Mux(meets[1], _only(side), 0)),
            latest.eq(filled),
            wrote.eq(Mux(writing, _only(writing_side), 0)),
            follows.eq(writing_pair == self.i.pair),
        ]
        m.d.comb += [
            Value.cast(nearby).eq(Mux(passing.any(), Value.cast(filled), Value.cast(latest))),
            before.eq(Mux(passing.any(), second_nearer, order_read.data)),
        ]
        for k, (write, read) in enumerate(ports):
            m.d.comb += [
                Value.cast(held[k]).eq(Mux(passing[k] | (follows & wrote[k]), Value.cast(nearby), read.data)),
                count[k].eq(count_read.data.word_select(k, size)),
                write.addr.eq(writing_pair),
                write.data.eq(filled),
                write.en.eq(writing & (writing_side == k)),
            ]
        m.d.comb += [order_write.addr.eq(writing_pair), order_write.data.eq(second_nearer), order_write.en.eq(writing)]

        some = [count[k] != 0 for k in range(2)]
        more = [count[k][1:].any() if size > 1 else Const(0) for k in range(2)]  # than one
        nearer = Signal()  # side of the nearer entry
        smaller = Signal()  # side with fewer entries
        m.d.comb += [
            nearer.eq(~some[0] | (some[1] & before)),
            smaller.eq(count[1] < count[0]),
            side.eq(Mux(insert, smaller, nearer)),
        ]
        # Both sides are worked out at once, so that nothing but a choice waits for the side.
        less = [order_key(new, self.group) < order_key(entry, self.group) for entry in held]
        after = [Signal(size, name=f"after_{k}") for k in range(2)]  # entries, once the operation has been there
        goes = [Signal(name=f"goes_{k}") for k in range(2)]  # the operation goes on below that side
        found, entry = Signal(), Signal(item)  # there is an entry on the side, and which
        m.d.comb += [
            Value.cast(entry).eq(Mux(side, Value.cast(held[1]), Value.cast(held[0]))),
            *(after[k].eq(Mux(insert, count[k] + 1, count[k] - 1)) for k in range(2)),
            # A replacement's item that comes before both siblings is in its place.
            *(goes[k].eq(Mux(insert, some[k], more[k]) & ~(replace & less[k])) for k in range(2)),
            found.eq(Mux(side, some[1], some[0])),
            takes.eq(valid & insert & Mux(smaller, ~some[1] | less[1], ~some[0] | less[0])),
            refills.eq(replace & comes(self.up)),
            opens.eq(valid & ~insert & (~replace | refills)),
            self.up.item.eq(entry),
            self.up.side.eq(side),
            *(self.up.there[k].eq(valid & ~insert & some[k] & ~(replace & less[k])) for k in range(2)),
            self.o.insert.eq(insert),
            self.o.replace.eq(replace),
            self.o.pair.eq(Cat(side, pair)),
            self.o.item.eq(new),
            self.o.displaced.eq(entry),
            self.o.stays.eq(insert & Mux(smaller, less[1], less[0])),
            self.o_valid.eq(valid & Mux(side, goes[1], goes[0])),
        ]
        with m.If(valid):
            m.d.sync += [
                writing_side.eq(side),
                writing_pair.eq(pair),
                sibling.eq(Mux(side, Value.cast(held[0]), Value.cast(held[1]))),
                placed.eq(new),
                placed_first.eq(Mux(side, less[0], less[1])),
            ]

        with m.If(self.clear):
            m.d.comb += [count_write.addr.eq(self.clear_pair), count_write.en.eq(1)]
        with m.Else():
            m.d.comb += [
                count_write.addr.eq(pair),
                count_write.data.eq(Cat(Mux(side, count[0], after[0]), Mux(side, after[1], count[1]))),
                count_write.en.eq(valid & (insert | (found & ~replace))),
            ]
        return m


def _only(side: Value) -> Value:
    """A flag for each side, set for one."""
    return Cat(~side, side)
