"""Depth sort: holds survivors back until nothing nearer can come."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.memory import ReadPort
from amaranth.lib.wiring import In, Out

from hw.lib.memory import two_port_memory
from hw.lib.one_hot import selected
from hw.lib.payloads import SortedLayout
from hw.lib.queue import StreamQueue
from hw.lib.shared import repeat
from hw.lib.skid_buffer import SkidBuffer
from hw.lib.stream import connect, transfer
from hw.lib.tree import add_all
from hw.splat.config import Config
from hw.splat.heap_bank import HeapBank
from hw.splat.heap_item import GROUP_BITS, ItemLayout, order_key
from hw.splat.layouts import SurvivorLayout
from hw.splat.sort_entry import SortEntry, kept_of
from hw.splat.watch import id_bits

IN_FLIGHT = 3  # splats between the decision to send them and the output queue


class DepthSort(wiring.Component):
    """Sends the splats of each group on in exact depth order; `golden.splat.depth_sort.depth_sort`.

    Survivors go to the banks as `SortEntry` says. A bank's nearest leaves for the two places behind the bank as
    soon as its key is below the bound of the current voxel (or its group is complete); of what stands first at each
    bank, in those places or still at its root, the nearest is sent. A survivor that finds all banks full makes the
    nearest leave before its time; that is counted. Or the sort says that it is `crowded`, if `cuts` allows it. Equal
    keys leave by their place in the file. Four groups may be inside: the one that drains comes first. Bounds must not
    fall within a group; a fall is counted and the higher bound kept.

    Takes up to `sort_inputs` survivors and sends up to one splat a cycle; an operation occupies its bank for
    2 cycles, during which the places behind it have something to send. Latency at least 7 cycles.
    """

    def __init__(self, *, config: Config, watched: bool = False) -> None:
        self.config = config
        spec = config.spec
        self.sorted = SortedLayout(spec, id_bits(watched))
        self.slots = spec.sort_banks << spec.sort_levels
        super().__init__(
            {
                #: survivors and marks, in order of arrival
                "i": In(stream.Signature(SurvivorLayout(spec, config.sort_inputs))),
                "o": Out(stream.Signature(self.sorted)),  #: splats in drawing order, and each group's end
                "forced": Out(1),  #: in this cycle a splat leaves before it is safe
                "cuts": In(1),  #: rather than that, the slab of depths ends nearer, unless it is a single key
                "high": In(spec.depth_bits + 1),  #: the slab's end: no key is as high
                "crowded": Out(1),  #: in this cycle it should; `lowest` and `bound` say where it is cut, then `middle`
                "lowest": Out(spec.depth_bits),  #: the nearest key inside; stays during `purge`
                "bound": Out(spec.depth_bits),  #: nothing nearer comes any more
                "middle": Out(spec.depth_bits),  #: during `purge`, when half has left: the key of the next one
                #: from a cycle behind `crowded` on: survivors leave unsent or are not taken, ends leave as `kept`
                "purge": In(1),
                "regressed": Out(1),  #: in this cycle a bound comes that is below the one before
                "held": Out(range(self.slots + 1)),  #: survivors in the banks
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        spec = self.config.spec
        banks = repeat(m, platform, "heap_bank", spec.sort_banks, lambda: HeapBank(spec=spec))
        m.submodules.entry = entry = SortEntry(config=self.config)
        connect(m, self.i, entry.i)
        draining = Signal(GROUP_BITS)  # number of the group whose splats leave
        m.d.comb += [
            entry.draining.eq(draining),
            entry.drops.eq(self.purge),
            self.regressed.eq(entry.regressed),
            self.bound.eq(entry.bound),
        ]
        for k, bank in enumerate(banks):
            m.d.comb += [
                bank.group.eq(draining),
                bank.i.payload.eq(entry.item[k]),
                bank.i.valid.eq(entry.enter[k]),
                entry.full[k].eq(bank.full),
                entry.free[k].eq(bank.free),
                entry.pop[k].eq(bank.pop),
                entry.ready[k].eq(bank.i.ready),
            ]
        self._drain(m, banks, entry, self._splats(m, platform, entry), draining)
        popped = add_all([bank.pop for bank in banks])
        m.d.sync += self.held.eq(self.held + entry.taken - popped)
        return m

    def _splats(self, m: Module, platform: object, entry: SortEntry) -> list[ReadPort]:
        """What waits outside the heaps, a memory for each half."""
        width = len(kept_of(self.o.payload))
        reads: list[ReadPort] = []
        for half in range(entry.ways):
            name = f"splats_{half}" if entry.ways > 1 else "splats"
            # A slot is read and given back before it is written again, so the ports never meet.
            write, read = two_port_memory(m, platform, name, width=width, depth=self.slots // entry.ways)
            kept = entry.kept[half]
            m.d.comb += [write.addr.eq(kept.slot), write.data.eq(kept.data), write.en.eq(kept.enable)]
            reads.append(read)
        return reads

    def _drain(
        self, m: Module, banks: list[HeapBank], entry: SortEntry, splats: list[ReadPort], draining: Signal
    ) -> None:
        """Lets the banks' nearest leave, chooses the first of all that have left, and sends its splat."""
        spec = self.config.spec
        m.submodules.output = output = StreamQueue(shape=self.sorted, depth=self.config.splat_depth)
        connect(m, output.o, self.o)

        together = entry.filling == draining
        room = output.level <= self.config.splat_depth - 1 - IN_FLIGHT
        behind = [SkidBuffer(shape=ItemLayout(spec)) for _ in banks]
        safe = Signal(len(banks))  # a bank's root may leave
        #: A bank's root has to. What is nearer and comes later can only go to the same bank, and leaves behind it.
        forces = Signal(len(banks))
        waiting = Signal(len(banks))  # something has left its bank
        for k, (bank, buffer) in enumerate(zip(banks, behind, strict=True)):
            m.submodules[f"behind_{k}"] = buffer
            root = bank.root
            m.d.comb += [
                safe[k].eq(
                    bank.occupied & Mux(together & ~self.purge, root.depth < entry.bound, root.group == draining)
                ),
                waiting[k].eq(buffer.o.valid),
                buffer.i.payload.eq(root),
                buffer.i.valid.eq(bank.poppable & (safe[k] | forces[k])),
                bank.pop.eq(transfer(buffer.i)),
            ]
        slots, depths, nearest = self._nearest(m, banks, behind, draining)
        still = Cat(~bank.occupied | bank.poppable for bank in banks).all()  # no root changes
        leaves = Signal(len(banks))
        ends = Signal()
        m.d.comb += [
            leaves.eq(nearest & waiting & room.replicate(len(banks))),
            self.forced.eq(forces.any()),
            ends.eq(~together & ~safe.any() & ~waiting.any() & room),
        ]
        m.d.comb += [buffer.o.ready.eq(leaves[k]) for k, buffer in enumerate(behind)]
        alone = together & entry.wanted & still & ~safe.any() & ~waiting.any() & ~forces.any()
        depth = selected(nearest, depths)
        m.d.sync += forces.eq(Mux(alone & self._crowd(m, alone, depth), nearest, 0))
        self._keep_middle(m, leaves.any(), depth)
        with m.If(ends):
            m.d.sync += draining.eq(draining + 1)

        sending = [Signal(2, name=f"sending_{k}") for k in range(2)]  # {splat, end} in each cycle
        slot = [Signal(range(self.slots), name=f"slot_{k}") for k in range(2)]
        m.d.sync += [
            sending[0].eq(Cat(leaves.any(), ends)),
            slot[0].eq(selected(nearest, slots)),
            sending[1].eq(sending[0]),
            slot[1].eq(slot[0]),
        ]
        half = [number[len(number) - (entry.ways.bit_length() - 1) :] for number in slot]
        for k, (read, back) in enumerate(zip(splats, entry.back, strict=True)):
            m.d.comb += [
                read.addr.eq(slot[0]),
                read.en.eq(sending[0][0] & (half[0] == k)),
                back.slot.eq(slot[1]),
                back.valid.eq(sending[1][0] & (half[1] == k)),
            ]
        m.d.comb += [
            kept_of(output.i.payload).eq(
                splats[0].data if len(splats) == 1 else Mux(half[1], splats[1].data, splats[0].data)
            ),
            output.i.payload.end.eq(sending[1][1]),
            output.i.payload.kept.eq(self.purge),
            output.i.valid.eq(sending[1][1] | (sending[1][0] & ~self.purge)),
        ]

    def _crowd(self, m: Module, alone: Value, depth: Value) -> Value:
        """A survivor finds no room, and all are `alone`: says so where the slab may be cut. Returns: it may not."""
        single, late = Signal(), Signal()  # the slab is a single key; known a cycle later, when all are `alone` still
        m.d.comb += [
            single.eq(self.lowest + 1 == self.high),
            self.crowded.eq(alone & late & self.cuts & ~single),
        ]
        m.d.sync += late.eq(alone)
        with m.If(~self.purge):
            m.d.sync += self.lowest.eq(depth)
        return ~self.cuts | (late & single)

    def _keep_middle(self, m: Module, leaves: Value, depth: Value) -> None:
        """Of what is purged, the key in the middle: nearer than that there is room for as much again."""
        gone = Signal(range(self.slots + 1))
        with m.If(~self.purge):
            m.d.sync += gone.eq(0)
        with m.Elif(leaves):
            m.d.sync += gone.eq(gone + 1)
            with m.If(gone == self.config.spec.sort_capacity // 2):
                m.d.sync += self.middle.eq(depth)

    def _nearest(
        self, m: Module, banks: list[HeapBank], behind: list[SkidBuffer], draining: Value
    ) -> tuple[list[Value], list[Value], Signal]:
        """Slots and keys of what stands first at each bank, behind it or at its root, and which is first of all.

        All are compared at once, each with each, so that no comparison waits for another.
        """
        count = len(banks)
        keys: list[Value] = []
        slots: list[Value] = []
        depths: list[Value] = []
        there, nearest = Signal(count), Signal(count)  # `nearest` is one-hot, or 0 if there is nothing
        for k, (bank, buffer) in enumerate(zip(banks, behind, strict=True)):
            first = Signal(ItemLayout(self.config.spec), name=f"first_{k}")
            m.d.comb += [
                Value.cast(first).eq(Mux(buffer.o.valid, Value.cast(buffer.o.payload), Value.cast(bank.root))),
                there[k].eq(buffer.o.valid | bank.occupied),
            ]
            keys.append(order_key(first, draining))
            slots.append(first.slot)
            depths.append(first.depth)
        before = {(a, b): Signal(name=f"before_{a}_{b}") for a in range(count) for b in range(a + 1, count)}
        m.d.comb += [less.eq(keys[a] < keys[b]) for (a, b), less in before.items()]

        def wins(a: int, b: int) -> Value:
            return before[a, b] if a < b else ~before[b, a]

        m.d.comb += nearest.eq(
            Cat(Cat(there[a], *(~there[b] | wins(a, b) for b in range(count) if b != a)).all() for a in range(count))
        )
        return slots, depths, nearest
