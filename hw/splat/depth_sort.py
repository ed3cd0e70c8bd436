"""Depth sort: holds survivors back until nothing nearer can come."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import ReadPort, WritePort
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
from hw.splat.heap_level import GROUP_BITS, ItemLayout, order_key
from hw.splat.layouts import SurvivorLayout
from hw.splat.slot_pool import SlotPool
from hw.splat.watch import id_bits

IN_FLIGHT = 3  # splats between the decision to send them and the output queue


class DepthSort(wiring.Component):
    """Sends the splats of each group on in exact depth order; `golden.splat.depth_sort.depth_sort`.

    Survivors go to the banks in turn, past those that are busy or full, or take the place of one that
    leaves. A bank's nearest leaves for the two places behind the bank as soon as its key is below
    the bound of the current voxel (or its group is complete); of what stands first at each bank, in
    those places or still at its root, the nearest is sent. A survivor that finds all banks full
    makes the nearest leave before its time; that is counted. Equal keys leave by their place in the
    file. Four groups may be inside: the one that drains comes first. Bounds must not fall within a
    group; a fall is counted and the higher bound kept.

    Takes up to one survivor and sends up to one splat a cycle; an operation occupies its bank for
    2 cycles, during which the places behind it have something to send. Latency at least 7 cycles.
    """

    def __init__(self, *, config: Config, watched: bool = False) -> None:
        self.config = config
        spec = config.spec
        self.sorted = SortedLayout(spec, id_bits(watched))
        self.slots = spec.sort_banks << spec.sort_levels
        super().__init__(
            {
                "i": In(stream.Signature(SurvivorLayout(spec))),  #: survivors and marks, in order of arrival
                "o": Out(stream.Signature(self.sorted)),  #: splats in drawing order, and each group's end
                "forced": Out(1),  #: in this cycle a splat leaves before it is safe
                "regressed": Out(1),  #: in this cycle a bound comes that is below the one before
                "held": Out(range(self.slots + 1)),  #: survivors in the banks
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        spec = self.config.spec
        banks = repeat(m, platform, "heap_bank", spec.sort_banks, lambda: HeapBank(spec=spec))
        m.submodules.pool = pool = SlotPool(count=self.slots)
        # A slot is read and given back before it is written again, so the ports never meet.
        width = len(_kept(self.o.payload))
        write, read = two_port_memory(m, platform, "splats", width=width, depth=self.slots)

        draining = Signal(GROUP_BITS)  # number of the group whose splats leave
        filling = Signal(GROUP_BITS)  # number of the group that survivors belong to
        bound = Signal(spec.depth_bits)
        for bank in banks:
            m.d.comb += bank.group.eq(draining)
        wanted = self._fill(m, banks, pool, write, filling, draining, bound)
        self._drain(m, banks, pool, read, filling, draining, bound, wanted)
        popped = add_all([bank.pop for bank in banks])
        m.d.sync += self.held.eq(self.held + (transfer(self.i) & self.i.payload.mark.some) - popped)
        return m

    def _fill(
        self, m: Module, banks: list[HeapBank], pool: SlotPool, write: WritePort,
        filling: Signal, draining: Signal, bound: Signal,
    ) -> Signal:  # fmt: skip
        """Takes survivors; returns a flag: the survivor at hand finds every bank full."""
        spec = self.config.spec
        mark = self.i.payload.mark
        turn = Signal(len(banks), init=1)  # one-hot
        chosen = Signal(len(banks))  # likewise
        full = Cat(bank.full for bank in banks)
        free = Cat(bank.free for bank in banks)
        pops = Cat(bank.pop for bank in banks)
        wanted = Signal()
        another = (filling + 1)[:GROUP_BITS] != draining  # group has a number
        item = Signal(ItemLayout(spec))
        taken = Signal()
        m.d.comb += [
            # An end waits while the groups inside have all the numbers.
            self.i.ready.eq(
                Mux(mark.some, (chosen & Cat(bank.i.ready for bank in banks)).any() & pool.o.valid, ~mark.end | another)
            ),
            taken.eq(transfer(self.i) & mark.some),
            # Taking the place of one that leaves costs its bank no cycles. What leaves is known late.
            chosen.eq(Mux(pops.any(), first_from(turn, pops), Mux(free.any(), first_from(turn, free), turn))),
            pool.o.ready.eq(taken),
            item.rank.eq(self.i.payload.rank),
            item.depth.eq(self.i.payload.depth),
            item.group.eq(filling),
            item.slot.eq(pool.o.payload),
        ]
        for k, bank in enumerate(banks):
            m.d.comb += [
                bank.i.payload.eq(item),
                bank.i.valid.eq(self.i.valid & mark.some & pool.o.valid & chosen[k]),
            ]
        m.d.comb += [
            write.addr.eq(pool.o.payload),
            # Behind the splat lies its id, which waits with it where somebody wants it.
            write.data.eq(Cat(_kept(self.i.payload), self.i.payload.rank)),
            write.en.eq(taken),
        ]
        with m.If(transfer(self.i)):
            with m.If(mark.end):
                m.d.sync += [filling.eq(filling + 1), turn.eq(1), bound.eq(0)]
            with m.Elif(mark.some):
                m.d.sync += turn.eq(chosen.rotate_left(1))
            m.d.comb += self.regressed.eq(mark.begin & (mark.bound < bound))
        # A bound counts from the moment it is seen: it may make room for the survivor it comes with.
        rises = self.i.valid & mark.begin & (mark.bound > bound)
        with m.If(rises):
            m.d.sync += bound.eq(mark.bound)
        m.d.comb += wanted.eq(self.i.valid & mark.some & full.all() & ~rises)
        return wanted

    def _drain(
        self, m: Module, banks: list[HeapBank], pool: SlotPool, read: ReadPort,
        filling: Signal, draining: Signal, bound: Signal, wanted: Signal,
    ) -> None:  # fmt: skip
        """Lets the banks' nearest leave, chooses the first of all that have left, and sends its splat."""
        spec = self.config.spec
        m.submodules.output = output = StreamQueue(shape=self.sorted, depth=self.config.splat_depth)
        connect(m, output.o, self.o)

        together = filling == draining
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
                safe[k].eq(bank.occupied & Mux(together, root.depth < bound, root.group == draining)),
                waiting[k].eq(buffer.o.valid),
                buffer.i.payload.eq(root),
                buffer.i.valid.eq(bank.poppable & (safe[k] | forces[k])),
                bank.pop.eq(transfer(buffer.i)),
            ]
        slots, nearest = self._nearest(m, banks, behind, draining)
        still = Cat(~bank.occupied | bank.poppable for bank in banks).all()  # no root changes
        leaves = Signal(len(banks))
        ends = Signal()
        m.d.comb += [
            leaves.eq(nearest & waiting & room.replicate(len(banks))),
            self.forced.eq(forces.any()),
            ends.eq(~together & ~safe.any() & ~waiting.any() & room),
        ]
        m.d.comb += [buffer.o.ready.eq(leaves[k]) for k, buffer in enumerate(behind)]
        alone = together & wanted & still & ~safe.any() & ~waiting.any() & ~forces.any()
        m.d.sync += forces.eq(Mux(alone, nearest, 0))
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
        m.d.comb += [
            read.addr.eq(slot[0]),
            read.en.eq(sending[0][0]),
            _kept(output.i.payload).eq(read.data),
            output.i.payload.end.eq(sending[1][1]),
            output.i.valid.eq(sending[1].any()),
            pool.i.payload.eq(slot[1]),
            pool.i.valid.eq(sending[1][0]),
        ]

    def _nearest(
        self, m: Module, banks: list[HeapBank], behind: list[SkidBuffer], draining: Value
    ) -> tuple[list[Value], Signal]:
        """Slots of what stands first at each bank, behind it or at its root, and which of them is first of all.

        All are compared at once, each with each, so that no comparison waits for another.
        """
        count = len(banks)
        keys: list[Value] = []
        slots: list[Value] = []
        there, nearest = Signal(count), Signal(count)  # `nearest` is one-hot, or 0 if there is nothing
        for k, (bank, buffer) in enumerate(zip(banks, behind, strict=True)):
            first = Signal(ItemLayout(self.config.spec), name=f"first_{k}")
            m.d.comb += [
                Value.cast(first).eq(Mux(buffer.o.valid, Value.cast(buffer.o.payload), Value.cast(bank.root))),
                there[k].eq(buffer.o.valid | bank.occupied),
            ]
            keys.append(order_key(first, draining))
            slots.append(first.slot)
        before = {(a, b): Signal(name=f"before_{a}_{b}") for a in range(count) for b in range(a + 1, count)}
        m.d.comb += [less.eq(keys[a] < keys[b]) for (a, b), less in before.items()]

        def wins(a: int, b: int) -> Value:
            return before[a, b] if a < b else ~before[b, a]

        m.d.comb += nearest.eq(
            Cat(Cat(there[a], *(~there[b] | wins(a, b) for b in range(count) if b != a)).all() for a in range(count))
        )
        return slots, nearest


def _kept(payload: data.View) -> Value:
    """What waits outside the heaps, of a survivor or a sorted splat."""
    return Cat(Value.cast(payload.touch), Value.cast(payload.splat))


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
