"""A priority queue that takes an operation every other cycle: a pipelined heap."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from golden.splat.spec import Spec
from hw.lib.counters import hold
from hw.lib.stream import transfer
from hw.splat.heap_item import GROUP_BITS, ItemLayout, comes, order_key
from hw.splat.heap_level import HeapLevel


class HeapBank(wiring.Component):
    """Holds up to 2**sort_levels - 1 items; the nearest stands in `root`.

    Bhagwan and Lin's pipelined heap ("Fast and scalable priority queue architecture for high-speed
    network switches", INFOCOM 2000), with entry counts of both subtrees in place of free counts.
    The root and its two children are registers, so the next root stands one cycle after a pop;
    deeper levels are memories. An insert, a pop, or both at once (the item goes where the root was, or
    below) every 2 cycles.
    """

    def __init__(self, *, spec: Spec) -> None:
        self.spec = spec
        item = ItemLayout(spec)
        super().__init__(
            {
                #: items to insert; after reset only once the levels are cleared, of a full bank only while `pop`
                "i": In(stream.Signature(item)),
                "pop": In(1),  #: removes the root; only while `poppable`
                "root": Out(item),  #: the nearest item, if `occupied`
                "occupied": Out(1),  #: there is a root
                "poppable": Out(1),  #: occupied, and an operation may start in this cycle
                "full": Out(1),  #: 2**sort_levels - 1 items
                "free": Out(1),  #: an item is taken in this cycle
                "group": In(GROUP_BITS),  #: being drained
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        levels = self.spec.sort_levels
        item = ItemLayout(self.spec)
        count = Signal(levels)
        busy = Signal()  # the cycle after an operation
        inserting, replacing = Signal(), Signal()  # without a pop, with one

        clear_pair = Signal(levels, init=0)
        clearing = Signal(init=1)
        m.d.comb += [
            self.occupied.eq(count != 0),
            self.full.eq(count == self.spec.bank_capacity),
            self.poppable.eq(self.occupied & ~busy),
            self.free.eq(~busy & ~clearing & ~self.full),
            self.i.ready.eq(~busy & ~clearing & (~self.full | self.pop)),
            inserting.eq(transfer(self.i) & ~self.pop),
            replacing.eq(transfer(self.i) & self.pop),
        ]
        m.d.sync += busy.eq(inserting | self.pop)
        with m.If(clearing):
            m.d.sync += [clear_pair.eq(clear_pair + 1), clearing.eq(clear_pair != (1 << (levels - 2)) - 1)]
        hold(m, count, transfer(self.i), self.pop)

        # Level 1: two registers. A pop promotes the nearer one at once; an insert's loser against
        # the root comes here one cycle later, in `loser`.
        child = [Signal(item, name=f"child_{side}") for side in range(2)]
        below = [Signal(levels - 1, name=f"below_{side}") for side in range(2)]
        nearer = Signal()
        key = [order_key(c, self.group) for c in child]
        m.d.comb += nearer.eq((below[0] == 0) | ((below[1] != 0) & (key[1] < key[0])))

        loser = Signal(item)
        loser_valid = Signal()
        smaller = Signal()
        new = self.i.payload
        wins = Signal()
        m.d.comb += [
            wins.eq(~self.occupied | (order_key(new, self.group) < order_key(self.root, self.group))),
            smaller.eq(below[1] < below[0]),
        ]
        m.d.sync += loser_valid.eq(inserting & self.occupied)
        with m.If(inserting):
            m.d.sync += loser.eq(Mux(wins, Value.cast(self.root), Value.cast(new)))
            with m.If(wins):
                m.d.sync += self.root.eq(new)

        m.submodules.level_2 = level = HeapLevel(spec=self.spec, level=2)
        popped_side = Signal()
        popped_below = Signal()
        first = [(below[k] == 0) | (order_key(new, self.group) < key[k]) for k in range(2)]
        becomes_root = Signal()  # a replacement's item: no child comes before it
        m.d.comb += becomes_root.eq(replacing & Mux(nearer, first[1], first[0]))
        with m.If(self.pop):
            # Fill the child's place from level 2, whose answer comes in the next cycle.
            nearest = Mux(nearer, Value.cast(child[1]), Value.cast(child[0]))
            m.d.sync += [
                self.root.eq(Mux(becomes_root, Value.cast(new), nearest)),
                popped_side.eq(nearer),
            ]
            for side in range(2):
                with m.If((nearer == side) & (below[side] != 0) & ~replacing):
                    m.d.sync += below[side].eq(below[side] - 1)
                with m.If((nearer == side) & replacing & ~becomes_root):
                    m.d.sync += child[side].eq(new)  # unless something nearer comes up from below
        chosen_below = Signal(levels - 1)
        # Both sides are compared at once, so that no comparison waits for the choice of a side.
        stays = [(below[k] == 0) | (order_key(loser, self.group) < key[k]) for k in range(2)]
        loser_stays = Signal()
        m.d.comb += [
            chosen_below.eq(Mux(smaller, below[1], below[0])),
            Value.cast(level.i.displaced).eq(Mux(smaller, Value.cast(child[1]), Value.cast(child[0]))),
            loser_stays.eq(Mux(smaller, stays[1], stays[0])),
            popped_below.eq(Mux(nearer, below[1], below[0]) > 1),
        ]
        with m.If(loser_valid):
            for side in range(2):
                with m.If(smaller == side):
                    m.d.sync += below[side].eq(below[side] + 1)
                    with m.If(stays[side]):
                        m.d.sync += child[side].eq(loser)
            m.d.comb += [
                level.i.insert.eq(1),
                level.i.pair.eq(smaller),
                level.i.item.eq(loser),
                level.i.stays.eq(loser_stays),
                level.i_valid.eq(chosen_below != 0),
            ]
        with m.Else():
            m.d.comb += [
                level.i.replace.eq(replacing),
                level.i.pair.eq(nearer),
                level.i.item.eq(new),
                level.i_valid.eq(self.pop & popped_below & ~becomes_root),
            ]
        with m.If(comes(level.up)):
            for side in range(2):
                with m.If(popped_side == side):
                    m.d.sync += child[side].eq(level.up.item)

        self._chain(m, level, clearing, clear_pair)
        return m

    def _chain(self, m: Module, level: HeapLevel, clearing: Signal, clear_pair: Signal) -> None:
        """Levels 2 and deeper, each feeding the next and filled by it."""
        while True:
            m.d.comb += [level.group.eq(self.group), level.clear.eq(clearing), level.clear_pair.eq(clear_pair)]
            if level.level == self.spec.sort_levels - 1:
                return
            deeper = HeapLevel(spec=self.spec, level=level.level + 1)
            m.submodules[f"level_{deeper.level}"] = deeper
            m.d.comb += [
                deeper.i.eq(level.o),
                deeper.i_valid.eq(level.o_valid),
                level.fill.eq(deeper.up),
            ]
            level = deeper
