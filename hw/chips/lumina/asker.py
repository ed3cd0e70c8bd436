"""Lets the pixels of a lane group ask the cache."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.chips.lumina.config import Config
from hw.chips.lumina.edges import inside
from hw.chips.lumina.layouts import AskedLayout, KeyLayout, by_lane, place_layout, size_layout
from hw.lib.arbiter import round_robin
from hw.lib.memory import two_port_memory
from hw.lib.one_hot import encode, lowest, selected
from hw.lib.stream import transfer


class Asker(wiring.Component):
    """Visits sub-tiles on which records have become full: their pixels ask, each once, if they lie on the image.

    Sub-tiles belong to the region of the lane group's first square, and with each flush to the next one; only those of
    the region that is `open` are visited, in turn. Pixels of a visit with one key ask together. A visit takes 4 cycles,
    and 2 for each key; answers may come during the next one. While a sub-tile is `pending` it may not be flushed: every
    pixel that is due is answered before.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        spec, places = config.spec, config.splat.places
        super().__init__(
            {
                "number": In(range(max(config.splat.lane_groups, 2))),  #: of the lane group, constant
                "filled": In(place_layout(config)),  #: records of a sub-tile have become full
                "flushed": In(place_layout(config)),  #: a sub-tile is handed out: its pixels are the next region's
                "open": In(1),  #: pixels of a region may ask …
                "odd": In(1),  #: … of one with an odd number, or an even one
                "size": In(size_layout(config)),  #: what of the region lies on the image
                "look": Out(place_layout(config)),  #: a sub-tile whose records are wanted
                "blocked": In(1),  #: they cannot be read in this cycle
                #: a cycle later, and until the next look: they
                "records": In(by_lane(KeyLayout(spec.radiance), spec.splat.lanes)),
                "asks": Out(stream.Signature(AskedLayout(config))),  #: pixels for the cache
                "answered": In(1),  #: the first of them that waited have got what they get
                "pending": Out(places),  #: sub-tiles with pixels that have yet to ask, or wait
                "hold": Out(places),  #: those, and all that are not of the open region
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        spec, places = self.config.spec, self.config.splat.places
        lanes = spec.splat.lanes
        due, parity = Signal(places), Signal(places)
        fresh = Signal(places, init=(1 << places) - 1)  # nothing has asked since the flush
        here = Signal(places)  # sub-tiles of the open region
        visited, place = Signal(places), Signal(range(places))  # one-hot, and its number
        turn = Signal(places, init=1)  # the last that was visited
        write, read = two_port_memory(m, platform, "asked", width=lanes, depth=places)
        wanted = Signal(lanes)
        option, first, picked = Signal(places), Signal(places), Signal(places)
        m.d.comb += [
            here.eq((parity ^ ~self.odd.replicate(places)) & self.open.replicate(places)),
            option.eq(due & here),
            first.eq(round_robin(m, option, turn)),
            self.hold.eq(self.pending | ~here),
            self.look.place.eq(place),
            read.addr.eq(place),
            write.addr.eq(place),
        ]
        m.d.sync += [
            due.eq((due & ~picked) | self._bit(self.filled)),
            parity.eq(parity ^ self._bit(self.flushed)),
        ]
        asked = Signal(lanes)  # since the sub-tile was flushed
        ready = Signal(lanes)  # pixels that may ask
        may = inside(m, self.config, self.number, place, self.size)
        keys = [self.records[f"lane_{k}"].key for k in range(lanes)]
        key, together = Signal(len(keys[0])), Signal(lanes)  # of the next pixels to ask, and who they are
        m.d.comb += [
            asked.eq(read.data & ~(fresh & visited).any().replicate(lanes)),
            ready.eq(Cat(self.records[f"lane_{k}"].full for k in range(lanes)) & may),
            write.data.eq(asked | ready),
            together.eq(wanted & Cat(each == key for each in keys)),
            self.asks.payload.place.eq(place),
            self.asks.payload.lanes.eq(together),
            self.asks.payload.key.eq(key),
        ]
        seen, leaves = Signal(places), Signal()
        m.d.sync += fresh.eq((fresh & ~seen) | self._bit(self.flushed))
        behind = self._wait(m, due, visited, leaves)
        with m.FSM():
            with m.State("IDLE"):
                with m.If(option.any()):
                    m.d.comb += picked.eq(first)
                    m.d.sync += [visited.eq(first), turn.eq(first), place.eq(encode(first))]
                    m.next = "LOOK"
            with m.State("LOOK"):
                m.d.comb += [self.look.valid.eq(1), read.en.eq(~self.blocked)]
                with m.If(~self.blocked):
                    m.next = "CHOOSE"
            with m.State("CHOOSE"):
                m.d.comb += [write.en.eq(1), seen.eq(visited)]
                m.d.sync += wanted.eq(ready & ~asked)
                m.next = "KEY"
            with m.State("KEY"):
                m.d.sync += key.eq(selected(lowest(wanted), keys))
                with m.If(wanted.any()):
                    m.next = "ASK"
                with m.Elif(~behind):
                    m.d.comb += leaves.eq(1)
                    m.d.sync += visited.eq(0)
                    m.next = "IDLE"
            with m.State("ASK"):
                m.d.comb += self.asks.valid.eq(1)
                with m.If(self.asks.ready):
                    m.d.sync += wanted.eq(wanted & ~together)
                    m.next = "KEY"
        return m

    def _wait(self, m: Module, due: Value, visited: Value, leaves: Value) -> Value:
        """Keeps the visit that `leaves` until its last answer, which come in order; returns whether there is one."""
        count = range(self.config.spec.splat.lanes + 1)
        behind = Signal.like(visited, name="behind")
        older, newer = Signal(count), Signal(count)  # answers that are missing, of that visit and of the one at hand
        old = older != 0
        asks = transfer(self.asks)
        with m.If(leaves):
            m.d.sync += [behind.eq(visited), older.eq(newer - self.answered), newer.eq(0)]
        with m.Else():
            m.d.sync += [
                older.eq(older - (self.answered & old)),
                newer.eq(newer + asks - (self.answered & ~old)),
            ]
        m.d.comb += self.pending.eq(due | visited | (behind & old.replicate(len(behind))))
        return old

    def _bit(self, tile: data.View) -> Value:
        """One-hot; 0 if there is none."""
        return (tile.valid << tile.place)[: self.config.splat.places]
