"""One level of the pipelined heap: pairs of siblings in memory."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from golden.splat.spec import Spec

GROUP_BITS = 2  # of a group's number; 2**GROUP_BITS groups may be inside


class ItemLayout(data.StructLayout):
    """An entry: its order (the group, then depth, then rank) and where its splat lies."""

    def __init__(self, spec: Spec) -> None:
        slots = spec.sort_banks << spec.sort_levels
        super().__init__(
            {
                "rank": spec.rank_bits,  #: place in the file; the earlier of equal depths comes first
                "depth": spec.depth_bits,  #: sort key
                "group": GROUP_BITS,  #: number of its group, modulo the groups that may be inside
                "slot": range(slots),  #: where the splat lies
            }
        )


def order_key(item: data.View, group: Value) -> Value:
    """What entries are compared by: the group being drained (`group`) comes before the next ones."""
    return Cat(item.rank, item.depth, (item.group - group)[:GROUP_BITS])


class HeapOperation(data.StructLayout):
    """`insert` an item below a parent, or fill its place: from below (pop), or from item and below (`replace`)."""

    def __init__(self, spec: Spec, level: int) -> None:
        super().__init__(
            {
                "insert": 1,  #: else the parent's place is empty, …
                "replace": 1,  #: … and the item goes there or below
                "pair": max(level - 1, 0),  #: number of the two places below the parent
                "item": ItemLayout(spec),  #: that comes in, of `insert` and `replace`
            }
        )


class HeapLevel(wiring.Component):
    """Level `level` (2 or more) of a heap of `spec.sort_levels` levels.

    An operation comes with the number of the pair below its parent. One cycle later the level
    answers: a pop sends the nearer sibling `up` and goes on below its place; an insert keeps the
    nearer of item and entry, on the side with fewer entries, and goes on below with the other; a
    replacement sends a sibling up that is nearer than the item, puts the item in the sibling's place,
    and goes on below that with the item. If none is nearer, nothing comes up, for the level above has
    put the item in its place already.
    Operations on a heap start at least 2 cycles apart, and an insert reaches each level one cycle
    later than a pop or a replacement would. What comes up from below is written a cycle after it came, so that no
    path leads from one level's memory into another's; a level still never writes twice in a cycle.
    Which of two siblings is nearer is worked out when one of them is written, and kept beside them,
    so that a pop chooses without a comparison.
    """

    def __init__(self, *, spec: Spec, level: int) -> None:
        self.spec, self.level = spec, level
        item = ItemLayout(spec)
        super().__init__(
            {
                "i": In(HeapOperation(spec, level)),  #: from the level above
                "i_valid": In(1),  #: there is an operation; it is always taken
                "up": Out(item),  #: an answer: the entry that fills the parent's place
                "up_valid": Out(1),  #: there is one
                "o": Out(HeapOperation(spec, level + 1)),  #: for the level below, in the answer's cycle
                "o_valid": Out(1),  #: the operation goes on below
                "fill": In(item),  #: what the level below sends up, one cycle after the answer
                "fill_valid": In(1),  #: it sends something
                "group": In(GROUP_BITS),  #: being drained
                "clear": In(1),  #: after reset: empties `clear_pair`, without an operation
                "clear_pair": In(spec.sort_levels),  #: number of a pair; those beyond this level's are ignored
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        item = ItemLayout(self.spec)
        width = Value.cast(self.up).shape().width
        pairs = 1 << (self.level - 1)
        size = self.spec.sort_levels - self.level  # bits of the number of entries below and at a place

        valid = Signal()
        insert, replace = Signal(), Signal()
        pair = Signal(self.level - 1)
        incoming = Signal(item)
        m.d.sync += [
            valid.eq(self.i_valid),
            insert.eq(self.i.insert),
            replace.eq(self.i.replace),
            pair.eq(self.i.pair),
            incoming.eq(self.i.item),
        ]

        m.submodules.counts = counts = Memory(shape=2 * size, depth=pairs, init=[])
        count_write = counts.write_port()
        count_read = counts.read_port(transparent_for=[count_write])
        entries = [Memory(shape=width, depth=pairs, init=[]) for _ in range(2)]
        writes, reads = [], []
        for side, memory in enumerate(entries):
            m.submodules[f"entries_{side}"] = memory
            write = memory.write_port()
            read = memory.read_port(transparent_for=[write])
            m.d.comb += read.addr.eq(self.i.pair)
            writes.append(write)
            reads.append(read)
        m.d.comb += count_read.addr.eq(self.i.pair)
        m.submodules.order = order = Memory(shape=1, depth=pairs, init=[])  # side 1 is the nearer, if both are there
        order_write = order.write_port()
        order_read = order.read_port(transparent_for=[order_write])
        m.d.comb += order_read.addr.eq(self.i.pair)

        side = Signal()
        filling_side, writing_side = Signal(), Signal()
        filling_pair, writing_pair = Signal.like(pair), Signal.like(pair)
        writing = Signal()
        refills = Signal()  # a replacement's item fills the place itself …
        refilling, refill = Signal(), Signal(item)  # … unless something comes up from below
        filled = Signal(item)
        sibling, filling_sibling = Signal(item), Signal(item)  # of the entry that is filled
        m.d.sync += [
            sibling.eq(filling_sibling),
            filling_side.eq(side),
            filling_pair.eq(pair),
            writing_side.eq(filling_side),
            writing_pair.eq(filling_pair),
            refilling.eq(refills),
            refill.eq(incoming),
            writing.eq(self.fill_valid | refilling),
            filled.eq(Mux(self.fill_valid, Value.cast(self.fill), Value.cast(refill))),
        ]

        held = [Signal(item, name=f"entry_{side}") for side in range(2)]
        count = [Signal(size, name=f"count_{side}") for side in range(2)]
        # A pop that follows at once reads before the write, and takes the entry on its way. Numbers are compared a
        # cycle before, for all that is chosen here waits for the answer.
        meets = Signal()
        passing = Signal()
        second_nearer = Signal()  # of the pair that is filled
        before = Signal()  # side 1 is the nearer, if both are there
        m.d.sync += meets.eq(filling_pair == self.i.pair)
        m.d.comb += [
            passing.eq(writing & meets),
            second_nearer.eq((order_key(filled, self.group) < order_key(sibling, self.group)) == writing_side),
            before.eq(Mux(passing, second_nearer, order_read.data)),
        ]
        for k in range(2):
            m.d.comb += [
                Value.cast(held[k]).eq(Mux(passing & (writing_side == k), Value.cast(filled), reads[k].data)),
                count[k].eq(count_read.data.word_select(k, size)),
            ]

        key = [order_key(entry, self.group) for entry in held]
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
        less = [order_key(incoming, self.group) < key[k] for k in range(2)]
        wins = [~some[k] | less[k] for k in range(2)]
        m.d.sync += filling_sibling.eq(Mux(nearer, Value.cast(held[0]), Value.cast(held[1])))
        after = [Signal(size, name=f"after_{k}") for k in range(2)]  # entries, once the operation has been there
        deeper = [Signal(name=f"deeper_{k}") for k in range(2)]  # the operation goes on below that side
        found = Signal()  # there is an entry on the side
        displaced = Signal(item)  # what an insert finds at its place
        keeps = Signal()  # the incoming item takes that place
        rises = Signal()  # a replacement's item comes before both siblings
        m.d.comb += [
            Value.cast(displaced).eq(Mux(smaller, Value.cast(held[1]), Value.cast(held[0]))),
            *(after[k].eq(Mux(insert, count[k] + 1, count[k] - 1)) for k in range(2)),
            *(deeper[k].eq(Mux(insert, some[k], more[k])) for k in range(2)),
            found.eq(Mux(side, some[1], some[0])),
            keeps.eq(Mux(smaller, wins[1], wins[0])),
            rises.eq(replace & Mux(nearer, wins[1], wins[0])),
            refills.eq(valid & replace & ~rises),
            Value.cast(self.up).eq(Mux(nearer, Value.cast(held[1]), Value.cast(held[0]))),
            self.up_valid.eq(valid & ~insert & found & ~rises),
            self.o.insert.eq(insert),
            self.o.replace.eq(replace),
            self.o.pair.eq(Cat(side, pair)),
            self.o.item.eq(Mux(insert & keeps, Value.cast(displaced), Value.cast(incoming))),
            self.o_valid.eq(valid & ~rises & Mux(side, deeper[1], deeper[0])),
        ]

        for k, write in enumerate(writes):
            with m.If(writing):
                m.d.comb += [
                    write.addr.eq(writing_pair),
                    write.data.eq(Value.cast(filled)),
                    write.en.eq(writing_side == k),
                ]
            with m.Else():
                m.d.comb += [
                    write.addr.eq(pair),
                    write.data.eq(Value.cast(incoming)),
                    write.en.eq(valid & insert & wins[k] & (smaller == k)),
                ]
        m.d.comb += [
            order_write.addr.eq(Mux(writing, writing_pair, pair)),
            # An insert leaves the nearer of item and entry on its side.
            order_write.data.eq(
                Mux(writing, second_nearer, Mux(smaller, less[0] | (some[1] & before), ~less[1] & (~some[0] | before)))
            ),
            order_write.en.eq(writing | (valid & insert)),
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
