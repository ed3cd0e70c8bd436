"""One level of the pipelined heap: pairs of siblings in memory."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from golden.splat.spec import RANK_BITS, Spec


class ItemLayout(data.StructLayout):
    """An entry: its order (`parity` of the group, then depth, then rank) and where its splat lies."""

    def __init__(self, spec: Spec) -> None:
        slots = spec.sort_banks << spec.sort_levels
        super().__init__(
            {
                "rank": RANK_BITS,  #: place in the file; the earlier of equal depths comes first
                "depth": spec.depth_bits,  #: sort key
                "parity": 1,  #: of the group, which alternates
                "slot": range(slots),  #: where the splat lies
            }
        )


def order_key(item: data.View, parity: Value) -> Value:
    """What entries are compared by: the group being drained (`parity`) comes before the next one."""
    return Cat(item.rank, item.depth, item.parity ^ parity)


class HeapOperation(data.StructLayout):
    """`insert` an item below a parent, or fill the parent's place from below (pop)."""

    def __init__(self, spec: Spec, level: int) -> None:
        super().__init__(
            {
                "insert": 1,  #: else a pop
                "pair": max(level - 1, 0),  #: number of the two places below the parent
                "item": ItemLayout(spec),  #: to insert
            }
        )


class HeapLevel(wiring.Component):
    """Level `level` (2 or more) of a heap of `spec.sort_levels` levels.

    An operation comes with the number of the pair below its parent. One cycle later the level
    answers: a pop sends the nearer sibling `up` and goes on below its place; an insert keeps the
    nearer of item and entry, on the side with fewer entries, and goes on below with the other.
    Operations on a heap start at least 2 cycles apart, and an insert reaches each level one cycle
    later than a pop would, so that a level never writes twice in a cycle.
    """

    def __init__(self, *, spec: Spec, level: int) -> None:
        self.spec, self.level = spec, level
        item = ItemLayout(spec)
        super().__init__(
            {
                "i": In(HeapOperation(spec, level)),  #: from the level above
                "i_valid": In(1),  #: there is an operation; it is always taken
                "up": Out(item),  #: a pop's answer: the entry that fills the parent's place
                "up_valid": Out(1),  #: there was an entry below the parent
                "o": Out(HeapOperation(spec, level + 1)),  #: for the level below, in the answer's cycle
                "o_valid": Out(1),  #: the operation goes on below
                "fill": In(item),  #: what the level below sends up, one cycle after the answer
                "fill_valid": In(1),  #: it sends something
                "parity": In(1),  #: of the group being drained
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
        insert = Signal()
        pair = Signal(self.level - 1)
        incoming = Signal(item)
        m.d.sync += [
            valid.eq(self.i_valid),
            insert.eq(self.i.insert),
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

        held = [Signal(item, name=f"entry_{side}") for side in range(2)]
        count = [Signal(size, name=f"count_{side}") for side in range(2)]
        for side in range(2):
            m.d.comb += [
                Value.cast(held[side]).eq(reads[side].data),
                count[side].eq(count_read.data.word_select(side, size)),
            ]

        key = [order_key(entry, self.parity) for entry in held]
        some = [count[k] != 0 for k in range(2)]
        more = [count[k][1:].any() if size > 1 else Const(0) for k in range(2)]  # than one
        nearer = Signal()  # side of the nearer entry
        smaller = Signal()  # side with fewer entries
        side = Signal()
        m.d.comb += [
            nearer.eq(~some[0] | (some[1] & (key[1] < key[0]))),
            smaller.eq(count[1] < count[0]),
            side.eq(Mux(insert, smaller, nearer)),
        ]
        # Both sides are worked out at once, so that nothing but a choice waits for the side.
        wins = [~some[k] | (order_key(incoming, self.parity) < key[k]) for k in range(2)]
        after = [Signal(size, name=f"after_{k}") for k in range(2)]  # entries, once the operation has been there
        deeper = [Signal(name=f"deeper_{k}") for k in range(2)]  # the operation goes on below that side
        found = Signal()  # there is an entry on the side
        displaced = Signal(item)  # what an insert finds at its place
        keeps = Signal()  # the incoming item takes that place
        m.d.comb += [
            Value.cast(displaced).eq(Mux(smaller, Value.cast(held[1]), Value.cast(held[0]))),
            *(after[k].eq(Mux(insert, count[k] + 1, count[k] - 1)) for k in range(2)),
            *(deeper[k].eq(Mux(insert, some[k], more[k])) for k in range(2)),
            found.eq(Mux(side, some[1], some[0])),
            keeps.eq(Mux(smaller, wins[1], wins[0])),
            Value.cast(self.up).eq(Mux(nearer, Value.cast(held[1]), Value.cast(held[0]))),
            self.up_valid.eq(valid & ~insert & found),
            self.o.insert.eq(insert),
            self.o.pair.eq(Cat(side, pair)),
            self.o.item.eq(Mux(keeps, Value.cast(displaced), Value.cast(incoming))),
            self.o_valid.eq(valid & Mux(side, deeper[1], deeper[0])),
        ]

        filling_side = Signal()
        filling_pair = Signal.like(pair)
        m.d.sync += [filling_side.eq(side), filling_pair.eq(pair)]
        for k, write in enumerate(writes):
            with m.If(self.fill_valid):
                m.d.comb += [
                    write.addr.eq(filling_pair),
                    write.data.eq(Value.cast(self.fill)),
                    write.en.eq(filling_side == k),
                ]
            with m.Else():
                m.d.comb += [
                    write.addr.eq(pair),
                    write.data.eq(Value.cast(incoming)),
                    write.en.eq(valid & insert & wins[k] & (smaller == k)),
                ]
        with m.If(self.clear):
            m.d.comb += [count_write.addr.eq(self.clear_pair), count_write.en.eq(1)]
        with m.Else():
            m.d.comb += [
                count_write.addr.eq(pair),
                count_write.data.eq(Cat(Mux(side, count[0], after[0]), Mux(side, after[1], count[1]))),
                count_write.en.eq(valid & (insert | found)),
            ]
        return m
