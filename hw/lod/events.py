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
                "visit": 1,  #: a subtree was retired
                "hit": 1,  #: a subtree was found in the cache
                "miss": data.ArrayLayout(1, 2),  #: one is read from memory
                "loaded": 6,  #: nodes of a subtree whose first word goes to a unit
                "tested": some,  #: units that added a node's share to a result
                "counted": data.ArrayLayout(some, 2),  #: of these, nodes that are reached
                "working": some,  #: units with nodes to test or under test
                "queued": some,  #: units that chose a node for which no decision was missing
                "prompt": some,  #: reached nodes that were chosen so, when they are decided
                "spilled": 1,  #: a queue entry goes to memory
                "context_wait": 1,  #: a visit waits for a context or a ticket
                "call_wait": 1,  #: the allocator waits for a visit
                "fetch_stall": 1,  #: a load waits for the fetch
                "order_wait": 1,  #: a finished subtree waits for its turn, and none is retired
            }
        )


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
        events.fetch_stall.eq(fetch.i.valid & ~fetch.i.ready),
        events.order_wait.eq(~retire.i.valid & Cat(unit.o.valid for unit in units).any()),
    ]
    return events
