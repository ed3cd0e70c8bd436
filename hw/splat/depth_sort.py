"""Depth sort: holds survivors back until nothing nearer can come."""

from __future__ import annotations

from amaranth.hdl import Array, Cat, Const, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import ReadPort, WritePort
from amaranth.lib.wiring import In, Out

from hw.lib.memory import two_port_memory
from hw.lib.payloads import SortedLayout
from hw.lib.queue import StreamQueue
from hw.lib.shared import repeat
from hw.lib.skid_buffer import SkidBuffer
from hw.lib.stream import connect, transfer
from hw.lib.tree import add_all, balanced
from hw.splat.config import Config
from hw.splat.heap_bank import HeapBank
from hw.splat.heap_level import GROUP_BITS, ItemLayout, order_key
from hw.splat.layouts import SurvivorLayout
from hw.splat.slot_pool import SlotPool
from hw.splat.watch import id_bits

Candidate = tuple[data.View, Value, Value]  # the first of a bank, whether it is there, its bank
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
        turn = Signal(range(len(banks)))
        chosen = Signal.like(turn)
        full = Cat(bank.full for bank in banks)
        pops = Cat(bank.pop for bank in banks)
        passed_by = Signal(len(banks))
        wanted = Signal()
        another = (filling + 1)[:GROUP_BITS] != draining  # group has a number
        item = Signal(ItemLayout(spec))
        taken = Signal()
        m.d.comb += [
            # An end waits while the groups inside have all the numbers.
            self.i.ready.eq(
                Mux(mark.some, Array(b.i.ready for b in banks)[chosen] & pool.o.valid, ~mark.end | another)
            ),
            taken.eq(transfer(self.i) & mark.some),
            # Taking the place of one that leaves costs its bank no cycles.
            passed_by.eq(Mux(pops.any(), ~pops, Cat(~bank.free for bank in banks))),
            chosen.eq(turn + first_clear((Cat(passed_by, passed_by) >> turn)[: len(banks)])),
            pool.o.ready.eq(taken),
            item.rank.eq(self.i.payload.rank),
            item.depth.eq(self.i.payload.depth),
            item.group.eq(filling),
            item.slot.eq(pool.o.payload),
        ]
        for k, bank in enumerate(banks):
            m.d.comb += [
                bank.i.payload.eq(item),
                bank.i.valid.eq(self.i.valid & mark.some & pool.o.valid & (chosen == k)),
            ]
        m.d.comb += [
            write.addr.eq(pool.o.payload),
            # Behind the splat lies its id, which waits with it where somebody wants it.
            write.data.eq(Cat(_kept(self.i.payload), self.i.payload.rank)),
            write.en.eq(taken),
        ]
        with m.If(transfer(self.i)):
            with m.If(mark.end):
                m.d.sync += [filling.eq(filling + 1), turn.eq(0), bound.eq(0)]
            with m.Elif(mark.some):
                m.d.sync += turn.eq(chosen + 1)
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
        nearest, some, number = self._nearest(m, banks, behind, draining)
        still = Cat(~bank.occupied | bank.poppable for bank in banks).all()  # no root changes
        leaves = Signal()
        ends = Signal()
        m.d.comb += [
            leaves.eq(some & room & waiting.bit_select(number, 1)),
            self.forced.eq(forces.any()),
            ends.eq(~together & ~safe.any() & ~waiting.any() & room),
        ]
        m.d.comb += [buffer.o.ready.eq(leaves & (number == k)) for k, buffer in enumerate(behind)]
        alone = together & wanted & still & ~safe.any() & ~waiting.any() & ~forces.any()
        m.d.sync += forces.eq(Mux(alone, (1 << number)[: len(banks)], 0))
        with m.If(ends):
            m.d.sync += draining.eq(draining + 1)

        sending = [Signal(2, name=f"sending_{k}") for k in range(2)]  # {splat, end} in each cycle
        slot = [Signal(range(self.slots), name=f"slot_{k}") for k in range(2)]
        m.d.sync += [
            sending[0].eq(leaves | ends << 1),
            slot[0].eq(nearest.slot),
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

    def _nearest(self, m: Module, banks: list[HeapBank], behind: list[SkidBuffer], draining: Value) -> Candidate:
        """The first in order, behind the banks or at their roots, whether there is one, and its bank."""
        candidates: list[Candidate] = []
        for k, (bank, buffer) in enumerate(zip(banks, behind, strict=True)):
            first = Signal(ItemLayout(self.config.spec), name=f"first_{k}")
            there = Signal(name=f"there_{k}")
            m.d.comb += [
                Value.cast(first).eq(Mux(buffer.o.valid, Value.cast(buffer.o.payload), Value.cast(bank.root))),
                there.eq(buffer.o.valid | bank.occupied),
            ]
            candidates.append((first, there, Value.cast(k)))

        def nearer(a: Candidate, b: Candidate) -> Candidate:
            first = Signal(name=f"nearer_{len(names)}")
            item = Signal(ItemLayout(self.config.spec), name=f"nearest_{len(names)}")
            names.append(0)
            m.d.comb += [
                first.eq(a[1] & (~b[1] | (order_key(a[0], draining) < order_key(b[0], draining)))),
                Value.cast(item).eq(Mux(first, Value.cast(a[0]), Value.cast(b[0]))),
            ]
            return item, a[1] | b[1], Mux(first, a[2], b[2])

        names: list[int] = []
        return balanced(nearer, candidates)


def _kept(payload: data.View) -> Value:
    """What waits outside the heaps, of a survivor or a sorted splat."""
    return Cat(Value.cast(payload.touch), Value.cast(payload.splat))


def first_clear(bits: Value) -> Value:
    """The number of the lowest bit that is 0; 0 if there is none."""
    number: Value = Const(0)
    for k in reversed(range(len(bits))):
        number = Mux(bits[k], number, k)
    return number
