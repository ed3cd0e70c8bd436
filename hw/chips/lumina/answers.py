"""What a lane group's pixels got out of the cache: it ends them, and takes the place of what was drawn."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.radiance.spec import CHANNEL_BITS
from hw.chips.lumina.config import Config
from hw.chips.lumina.edges import inside
from hw.chips.lumina.layouts import (
    CHANNELS,
    AnsweredLayout,
    FinalTileLayout,
    KeyLayout,
    by_lane,
    place_layout,
    size_layout,
)
from hw.lib.memory import two_port_memory
from hw.splat.watch import FlushedLayout, WatchedLayout


class Answers(wiring.Component):
    """Keeps the answers of every sub-tile's pixels until it is flushed; `golden.chips.lumina.ask.from_values`.

    A sub-tile is `finished` when it has no pixel left that is neither done nor answered with a colour; that is found
    when a splat is drawn on it. What is written for a flushed sub-tile, and what goes into the cache, comes a cycle
    after its pixels. An answer is not taken in the cycle of an operation on its sub-tile.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        spec, places = config.spec, config.splat.places
        lanes = spec.splat.lanes
        super().__init__(
            {
                "number": In(range(max(config.splat.lane_groups, 2))),  #: of the lane group, constant
                "size": In(size_layout(config)),  #: what lies on the image of the region whose pixels ask
                "i": In(stream.Signature(AnsweredLayout(config))),  #: pixels with what they get
                "operation": In(WatchedLayout(spec.splat, places)),  #: of the lanes
                "pending": In(places),  #: sub-tiles with pixels that are not answered
                #: a cycle after an operation: the records before it
                "before": In(by_lane(KeyLayout(spec.radiance), lanes)),
                "drawn": In(FlushedLayout(config.splat)),  #: 2 cycles after a flush: the pixels as they were drawn
                "finished": Out(place_layout(config)),  #: 2 cycles after a draw: nothing can change its sub-tile …
                "ended": Out(1),  #: … because of what its pixels got
                "written": Out(FlushedLayout(config.splat)),  #: 3 cycles after a flush: its pixels as they are to be
                "final": Out(FinalTileLayout(config)),  #: … and what they leave to the cache
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        spec, places = self.config.spec, self.config.splat.places
        lanes, cache = spec.splat.lanes, spec.radiance
        answer, operation = self.i.payload, self.operation
        value = data.StructLayout({"hit": 1, "colour": cache.value_bits})
        busy = operation.draw | operation.flush
        taken = Signal()
        m.d.comb += [
            self.i.ready.eq(~(busy & (operation.place == answer.place))),
            taken.eq(self.i.valid & self.i.ready),
        ]
        # A cycle after the operation; one by one: a structure that is but delayed misleads Yosys 0.70.
        late_draw, late_place, late_done = Signal(), Signal(range(places)), Signal(lanes)
        waiting = Signal()  # pixels of its sub-tile were not answered
        m.d.sync += [
            late_draw.eq(operation.draw),
            late_place.eq(operation.place),
            late_done.eq(operation.done),
            waiting.eq(self.pending.bit_select(operation.place, 1)),
        ]
        may = inside(m, self.config, self.number, operation.place, self.size)  # pixels that may ask
        hit = Signal(lanes)
        over = Signal(lanes)  # the pixel needs no splat
        final = self.final.pixels
        for k in range(lanes):
            write, read = two_port_memory(m, platform, f"answers_{k}", width=value.size, depth=places)
            found, held = value(read.data), Signal(value, name=f"held_{k}")
            record = Signal(KeyLayout(cache), name=f"record_{k}")
            full = self.before[f"lane_{k}"].full
            drawn = self.drawn.pixels.word_select(k, 32)
            pixel = Signal(32, name=f"pixel_{k}")
            m.d.comb += [
                write.addr.eq(answer.place),
                write.data.eq(Cat(answer.hit, answer.colour)),
                write.en.eq(taken & answer.lanes[k]),
                read.addr.eq(operation.place),
                read.en.eq(busy),
                hit[k].eq(full & may[k] & found.hit),
                over[k].eq(late_done[k] | hit[k]),
                pixel.eq(Mux(held.hit, _whole(held.colour), drawn)),
            ]
            m.d.sync += [
                held.hit.eq(hit[k]),
                held.colour.eq(found.colour),
                record.key.eq(self.before[f"lane_{k}"].key),
                record.full.eq(full & may[k]),
                final[f"lane_{k}"].full.eq(record.full),
                final[f"lane_{k}"].key.eq(record.key),
                final[f"lane_{k}"].colour.eq(pixel[: cache.value_bits]),
                self.written.pixels.word_select(k, 32).eq(pixel),
            ]
        m.d.sync += [
            self.finished.valid.eq(late_draw & over.all() & ~waiting),
            self.finished.place.eq(late_place),
            self.ended.eq(late_draw & over.all() & ~waiting & ~late_done.all()),
            *(port.valid.eq(self.drawn.valid) for port in (self.written, self.final)),
            *(port.place.eq(self.drawn.place) for port in (self.written, self.final)),
        ]
        return m


def _whole(colour: Value) -> Value:
    """A pixel's bytes out of a cached colour; of three channels, coverage is full."""
    return Cat(colour, Const((1 << CHANNEL_BITS) - 1))[: CHANNELS * CHANNEL_BITS]
