"""Lets the pixels of a lane group ask the cache."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.chips.lumina.config import Config
from hw.chips.lumina.edges import inside
from hw.chips.lumina.layouts import AskedLayout, KeyLayout, by_lane, place_layout, size_layout
from hw.lib.memory import two_port_memory
from hw.lib.one_hot import encode, lowest, selected
from hw.lib.stream import transfer


class Asker(wiring.Component):
    """Visits sub-tiles on which records have become full: their pixels ask, each once, if they lie on the image.

    Sub-tiles belong to the region of the lane group's first square, and with each flush to the next one; only those of
    the region that is `open` ask. A visit takes a cycle for each pixel that asks, the way to the cache and back, and
    5 cycles more. While a sub-tile is `pending` it may not be flushed: every pixel that is due is answered before.
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
                "answered": In(1),  #: one of them has got what it gets
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
        write, read = two_port_memory(m, platform, "asked", width=lanes, depth=places)
        wanted, waiting = Signal(lanes), Signal(range(lanes + 1))
        filled = self._bit(self.filled)
        flushed = self._bit(self.flushed)
        option = due & here
        first = lowest(option)
        picked = Signal(places)
        m.d.comb += [
            here.eq((parity ^ ~self.odd.replicate(places)) & self.open.replicate(places)),
            self.pending.eq(due | visited),
            self.hold.eq(self.pending | ~here),
            self.look.place.eq(place),
            read.addr.eq(place),
            write.addr.eq(place),
        ]
        m.d.sync += [
            due.eq((due & ~picked) | filled),
            parity.eq(parity ^ flushed),
            waiting.eq(waiting + transfer(self.asks) - self.answered),
        ]
        asked = Signal(lanes)  # since the sub-tile was flushed
        ready = Signal(lanes)  # pixels that may ask
        may = inside(m, self.config, self.number, place, self.size)
        m.d.comb += [
            asked.eq(read.data & ~(fresh & visited).any().replicate(lanes)),
            ready.eq(Cat(self.records[f"lane_{k}"].full for k in range(lanes)) & may),
            write.data.eq(asked | ready),
            self.asks.payload.place.eq(place),
            self.asks.payload.lane.eq(encode(lowest(wanted))),
            self.asks.payload.key.eq(selected(lowest(wanted), [self.records[f"lane_{k}"].key for k in range(lanes)])),
        ]
        seen = Signal(places)
        m.d.sync += fresh.eq((fresh & ~seen) | flushed)
        with m.FSM():
            with m.State("IDLE"):
                with m.If(option.any()):
                    m.d.comb += picked.eq(first)
                    m.d.sync += [visited.eq(first), place.eq(encode(first))]
                    m.next = "LOOK"
            with m.State("LOOK"):
                m.d.comb += [self.look.valid.eq(1), read.en.eq(~self.blocked)]
                with m.If(~self.blocked):
                    m.next = "CHOOSE"
            with m.State("CHOOSE"):
                m.d.comb += [write.en.eq(1), seen.eq(visited)]
                m.d.sync += wanted.eq(ready & ~asked)
                m.next = "ASK"
            with m.State("ASK"):
                m.d.comb += self.asks.valid.eq(wanted.any())
                with m.If(self.asks.ready):
                    m.d.sync += wanted.eq(wanted & ~lowest(wanted))
                with m.If(~wanted.any() & (waiting == 0)):
                    m.d.sync += visited.eq(0)
                    m.next = "IDLE"
        return m

    def _bit(self, tile: data.View) -> Value:
        """One-hot; 0 if there is none."""
        return (tile.valid << tile.place)[: self.config.splat.places]
