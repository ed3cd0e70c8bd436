"""Pixel lanes with front ends of their own and one back end for all of them."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.splat.spec import Spec
from hw.lib.fixed import shape_of
from hw.lib.one_hot import encode, lowest, selected
from hw.lib.pipe import Pipe
from hw.lib.queue import StreamQueue
from hw.lib.shared import repeat
from hw.lib.stream import connect, transfer
from hw.splat.config import Config
from hw.splat.lane_front import LaneFront, passed_shape
from hw.splat.lane_steps import lane_steps
from hw.splat.pixel_bytes import pixel_width
from hw.splat.pixel_lane import HAZARD, STORE, WRITE, PixelLane

DEPTH = 32  # operations that wait for the back end: as many as are still LUTs on ECP5, unless told otherwise
LEAN_DEPTH = 64  # as many as are block RAM there
FLUSHES = 2  # flushes that wait for those of the other back ends, unless told otherwise


def lane_queues(config: Config) -> dict[str, int]:
    """How many operations and flushes wait for a back end."""
    return {"flushes": config.depth(FLUSHES), "depth": LEAN_DEPTH if config.lean else DEPTH}


class LaneShare(wiring.Component):
    """`share` pixels of every sub-tile: a `LaneFront` each, and one `PixelLane` that draws those of them that show.

    An operation's visible pixels wait in a queue and go through the back end one a cycle, in order; so do all
    pixels of a flush. A pixel that had the last operation waits a cycle. What is drawn is what as many whole lanes
    draw, bit for bit, later. 4 multipliers and one table for all pixels.

    Operations come at most one a cycle, and never more than `depth` may be under way (`level` counts those in the
    queue). Source: Lumina, NRU.
    """

    def __init__(self, *, spec: Spec, places: int, share: int, flushes: int = FLUSHES, depth: int = DEPTH) -> None:
        self.spec, self.places, self.share, self.flushes, self.depth = spec, places, share, flushes, depth
        power, place = shape_of(spec.power_format), range(places)
        terms = data.ArrayLayout(power, share)
        self.width = pixel_width(spec, as_bytes=False)
        self.color = unsigned(3 * spec.color_format.width)  # as bits: an array that is but delayed misleads Yosys 0.70
        super().__init__(
            {
                #: an operation, and the splat that it draws: terms of every pixel's power, and its colour
                "i": In(
                    data.StructLayout(
                        {
                            "draw": 1,  #: blend it
                            "flush": 1,  #: hand the pixels out and start anew
                            "place": place,  #: the sub-tile's number
                            "row": terms,
                            "column": terms,
                            "cross": terms,
                            "color": self.color,
                        }
                    )
                ),
                "level": Out(range(depth + 1)),  #: operations in the queue
                "settled": Out(places),  #: sub-tiles of which every pixel here is opaque
                "changed": Out(1),  #: a splat has changed a pixel
                #: flushed pixels of a sub-tile, the state of the first in the low bits
                "flushed": Out(stream.Signature(data.StructLayout({"place": place, "pixels": self.width * share}))),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        done = [Signal(self.places, name=f"done_{n}") for n in range(self.share)]
        m.submodules.queue = queue = StreamQueue(shape=self._entry(), depth=self.depth)
        m.submodules.lane = lane = PixelLane(spec=self.spec, places=self.places * self.share)
        self._enter(m, platform, queue, done)
        item = self._walk(m, queue)
        self._draw(m, platform, lane, item, done)
        settled = done[0]
        for bits in done[1:]:
            settled = settled & bits
        m.d.sync += self.settled.eq(settled)
        m.d.comb += self.level.eq(queue.level)
        return m

    def _entry(self) -> data.StructLayout:
        """What waits for the back end."""
        return data.StructLayout(
            {
                "flush": 1,
                "place": range(self.places),
                "color": self.color,
                "pixels": self.share,  #: those to be visited
                "powers": data.ArrayLayout(passed_shape(self.spec), self.share),
            }
        )

    def _item(self) -> data.StructLayout:
        """What the back end does in a cycle; `address`: of the pixel among all pixels of all sub-tiles."""
        return data.StructLayout(
            {
                "draw": 1,
                "flush": 1,
                "address": range(self.places * self.share),
                "power": passed_shape(self.spec),
                "color": self.color,
            }
        )

    def _enter(self, m: Module, platform: object, queue: StreamQueue, done: list[Signal]) -> None:
        """The front ends; what is visible, and every flush, goes to the queue."""
        p = Pipe(m, platform)
        i = self.i
        fronts = repeat(m, platform, "lane_front", self.share, lambda: LaneFront(spec=self.spec))
        # Of a pixel that becomes opaque at this moment, an operation too many comes to the back end, which knows.
        opaque = p.stage(
            lambda place: Cat((bits >> place)[0] for bits in done), p.source(i.place, "place"), name="opaque"
        )
        for n, front in enumerate(fronts):
            m.d.comb += [
                front.i.row.eq(i.row[n]),
                front.i.column.eq(i.column[n]),
                front.i.cross.eq(i.cross[n]),
                front.i.draw.eq(i.draw),
            ]
        flush = Signal(LaneFront.latency)
        m.d.sync += flush.eq(Cat(i.flush, flush[:-1]))
        visible = Cat(front.o.visible for front in fronts) & ~p.at(opaque, LaneFront.latency)
        draw = Signal(LaneFront.latency)
        m.d.sync += draw.eq(Cat(i.draw, draw[:-1]))
        entry = queue.i.payload
        m.d.comb += [
            entry.flush.eq(flush[-1]),
            entry.place.eq(p.at(p.source(i.place, "entry_place"), LaneFront.latency)),
            entry.color.eq(p.at(p.source(i.color, "entry_color"), LaneFront.latency)),
            entry.pixels.eq(visible | flush[-1].replicate(self.share)),
            *(entry.powers[n].eq(front.o.power) for n, front in enumerate(fronts)),
            queue.i.valid.eq(flush[-1] | (draw[-1] & visible.any())),
        ]

    def _walk(self, m: Module, queue: StreamQueue) -> data.View:
        """One pixel of the oldest operation in every cycle, from a register."""
        entry = queue.o.payload
        visited = Signal(self.share)  # pixels of the oldest operation that have gone
        left, pick = Signal(self.share), Signal(self.share)
        address = Signal(range(self.places * self.share))
        recent = [Signal.like(address, name=f"recent_{k}") for k in range(HAZARD - 1)]
        busy = Signal(HAZARD - 1)  # `recent` had an operation
        waiting = Signal(range(self.flushes + 1))  # flushes that have gone, and wait at `flushed` or on their way there
        goes, last = Signal(), Signal()
        m.d.comb += [
            left.eq(entry.pixels & ~visited),
            pick.eq(lowest(left)),
            address.eq(Cat(encode(pick), entry.place)),
            goes.eq(
                queue.o.valid
                & ~Cat(busy[k] & (recent[k] == address) for k in range(HAZARD - 1)).any()
                & ~(entry.flush & (waiting == self.flushes))
            ),
            last.eq(left == pick),
            queue.o.ready.eq(goes & last),
        ]
        item = Signal(self._item())
        with m.If(goes):
            m.d.sync += visited.eq(Mux(last, 0, visited | pick))
        m.d.sync += [
            *(one.eq(before) for one, before in zip(recent, [address, *recent], strict=False)),
            busy.eq(Cat(goes, busy[:-1])),
            waiting.eq(waiting + (goes & last & entry.flush) - transfer(self.flushed)),
            item.draw.eq(goes & ~entry.flush),
            item.flush.eq(goes & entry.flush),
            item.address.eq(address),
            item.power.eq(selected(pick, entry.powers)),
            item.color.eq(entry.color),
        ]
        return item

    def _draw(self, m: Module, platform: object, lane: PixelLane, item: data.View, done: list[Signal]) -> None:
        """The back end: a whole lane, whose places are pixels; and what leaves it."""
        p = Pipe(m, platform)
        steps = lane_steps(
            m, p, self.spec, draw=item.draw, flush=item.flush, place=item.address, color=item.color
        )  # fmt: skip
        m.d.comb += [
            lane.row.eq(item.power),
            lane.column.eq(0),
            lane.cross.eq(0),
            lane.draw.eq(item.draw),
            *(Value.cast(getattr(lane, name)).eq(value) for name, value in steps.inputs.items()),
            self.changed.eq(lane.changed & steps.draw[WRITE + 1]),
        ]
        number, place = self._parts(p.at(steps.place, WRITE))
        for n, bits in enumerate(done):
            with m.If(lane.write & (number == n)):
                m.d.sync += bits.bit_select(place, 1).eq(lane.done)
        self._hand_out(m, lane, self._parts(p.at(steps.place, STORE)), steps.flush[STORE])

    def _hand_out(self, m: Module, lane: PixelLane, address: tuple[Value, Value], flushed: Value) -> None:
        """Flushed pixels come one by one, a sub-tile's first one first; the last one makes it whole."""
        number, place = address
        m.submodules.flushes = flushes = StreamQueue(shape=self.flushed.payload.shape(), depth=self.flushes)
        before = Signal(self.width * (self.share - 1), reset_less=True)
        pixels = Cat(before, lane.pixel)
        with m.If(flushed):
            m.d.sync += before.eq(pixels[self.width :])
        m.d.comb += [
            flushes.i.payload.place.eq(place),
            flushes.i.payload.pixels.eq(pixels),
            flushes.i.valid.eq(flushed & (number == self.share - 1)),
        ]
        connect(m, flushes.o, self.flushed)

    def _parts(self, address: Value) -> tuple[Value, Value]:
        """The pixel's number here, and its sub-tile's."""
        bits = (self.share - 1).bit_length()
        return address[:bits], address[bits:]
