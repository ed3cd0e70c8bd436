"""What happens in the search, cycle by cycle: what the counters count."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data

from hw.lib.tree import add_all
from hw.lod.layouts import block_header_layout
from hw.lod.lt_unit import LtUnit
from hw.lod.retire import Retire
from hw.lod.subtree_fetch import SubtreeFetch
from hw.lod.subtree_queue import SubtreeQueue
from hw.lod.visit_allocator import VisitAllocator


class EventLayout(data.StructLayout):
    """What happened in a cycle; misses and counted nodes by turn."""

    def __init__(self, units: int) -> None:
        some = range(units + 1)
        super().__init__(
            {
                "visit": 1, "hit": 1, "miss": data.ArrayLayout(1, 2), "loaded": 6, "tested": some,
                "counted": data.ArrayLayout(some, 2), "working": some,
                "queued": some, "prompt": some,
                "spilled": 1, "context_wait": 1, "call_wait": 1, "fetch_stall": 1, "order_wait": 1,
            }
        )  # fmt: skip


def observe(
    m: Module, units: list[LtUnit], allocator: VisitAllocator, fetch: SubtreeFetch, retire: Retire, queue: SubtreeQueue
) -> data.View:
    """The events of the cycle before."""
    header = Signal(block_header_layout())
    words = fetch.o
    events = Signal(EventLayout(len(units)))
    m.d.comb += Value.cast(header).eq(words.data[: block_header_layout().size])
    m.d.sync += [
        events.visit.eq(retire.retired),
        events.hit.eq(fetch.hit),
        *(events.miss[turn].eq(fetch.miss & (fetch.turn == turn)) for turn in range(2)),
        events.loaded.eq(Mux(words.valid & (words.row == 0), header.last + 1, 0)),
        events.tested.eq(add_all([unit.tested for unit in units])),
        *(events.counted[turn].eq(add_all([unit.counted[turn] for unit in units])) for turn in range(2)),
        *(
            events[name].eq(add_all([getattr(unit, name) for unit in units]))
            for name in ("working", "queued", "prompt")
        ),
        events.spilled.eq(queue.spilled),
        events.context_wait.eq(allocator.i.valid & ~allocator.i.ready),
        events.call_wait.eq(~allocator.i.valid & allocator.i.ready),
        events.fetch_stall.eq(allocator.o.valid & ~allocator.o.ready),
        events.order_wait.eq(~retire.i.valid & Cat(unit.o.valid for unit in units).any()),
    ]
    return events
