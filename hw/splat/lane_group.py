"""A group of pixel lanes with a splat and a sub-tile of its own in every cycle."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Elaboratable, Module, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.lib.paced import paced_pipe
from hw.lib.queue import StreamQueue
from hw.lib.stream import connect, transfer
from hw.splat.config import Config
from hw.splat.dispatcher import Dispatcher
from hw.splat.lane_array import LaneArray
from hw.splat.lane_share import lane_queues
from hw.splat.layouts import TileSplatLayout
from hw.splat.pixel_bytes import pixel_width
from hw.splat.raster_setup import RasterSetup
from hw.splat.shared_lanes import SharedLanes
from hw.splat.tiles import place_bits
from hw.splat.watch import WatchSignature, id_bits


class LaneGroup(wiring.Component):
    """Draws its share of every square's sub-tiles, one splat × one sub-tile a cycle.

    `i` gets every splat of a square and its end; those that touch none of its sub-tiles, or only
    opaque ones, go no further. The others wait in a queue, so that lane groups may be at different
    splats, and even at different squares of pixels.
    """

    def __init__(self, *, config: Config, watched: bool = False) -> None:
        self.config, self.watched = config, watched
        spec, places = config.spec, config.places
        pixels = spec.lanes * pixel_width(spec, as_bytes=watched)
        flushed = {"valid": 1, "place": range(places), "pixels": pixels}
        splats = TileSplatLayout(spec, places, id_bits(watched))
        watch = {
            "watch": Out(WatchSignature(config)),  #: what the lanes do, for an observer that ends sub-tiles
        }
        super().__init__(
            {
                "i": In(stream.Signature(splats)),  #: splats in drawing order, each square's end
                "number": In(range(max(config.lane_groups, 2))),  #: of this lane group, constant
                "outside": In(places),  #: sub-tiles of the square at `i` that are not on the image
                "flush_room": In(1),  #: the writer takes one more sub-tile
                "to_flush": Out(1),  #: sub-tiles wait to be handed out
                "reserves": Out(1),  #: a flush is on its way to the writer from this cycle on
                "offers": Out(1),  #: lanes that share back ends: a finished sub-tile waits …
                "takes": In(1),  #: … until no other lane group's is handed out
                "flushed": Out(data.StructLayout(flushed)),  #: a finished sub-tile for the writer
                "dead": Out(1),  #: no splat can change a pixel of the square at `i` any more
                "busy": Out(1),  #: pixels are still to be drawn or handed out
                "drawing": Out(1),  #: in this cycle the lanes get a splat …
                "flushing": Out(1),  #: … or a flush …
                "starved": Out(1),  #: … or nothing, for want of splats …
                "blocked": Out(1),  #: … or nothing, because of hazards
                "changed": Out(range(spec.lanes + 1)),  #: pixels that a splat has changed in this cycle
                **(watch if watched else {}),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        config, spec = self.config, self.config.spec
        m.submodules.queue = queue = StreamQueue(shape=self.i.payload.shape(), depth=config.lane_depth)
        m.submodules.dispatcher = dispatcher = Dispatcher(config=config, watched=self.watched)
        m.submodules.setup = setup = RasterSetup(spec=spec, interval=config.setup_interval)
        m.submodules.lanes = lanes = self._lanes()
        connect(m, queue.o, dispatcher.i)
        self._enter(m, queue, dispatcher)

        operation = dispatcher.operation
        column, row = place_bits(config, self.number, operation.place)
        silent = dispatcher.silent
        m.d.comb += [
            Value.cast(setup.i.splat).eq(Value.cast(dispatcher.splat)),  # without the id, which comes last
            setup.i.column.eq(column),
            setup.i.row.eq(row),
            lanes.i.terms.eq(setup.o),
            dispatcher.drawn.valid.eq(lanes.drawn.valid),
            dispatcher.drawn.place.eq(lanes.drawn.place),
            dispatcher.drawn.done.eq(lanes.drawn.done),
            dispatcher.flushed.valid.eq(lanes.flushed.valid),
            dispatcher.flushed.place.eq(lanes.flushed.place),
            dispatcher.flush_room.eq(self.flush_room),
            self.to_flush.eq(dispatcher.to_flush),
            self.reserves.eq(operation.flush & ~silent),
            self.flushed.valid.eq(lanes.flushed.valid & ~silent),
            self.flushed.place.eq(lanes.flushed.place),
            self.flushed.pixels.eq(lanes.flushed.pixels),
            self.busy.eq(dispatcher.busy | (queue.level != 0)),
            self.drawing.eq(operation.draw),
            self.flushing.eq(operation.flush),
            self.starved.eq(dispatcher.starved),
            self.blocked.eq(dispatcher.blocked),
            self.changed.eq(lanes.drawn.changed),
        ]
        if isinstance(lanes, SharedLanes):
            m.d.comb += [
                dispatcher.room.eq(lanes.room & self._opens(m, setup)),
                self.offers.eq(lanes.offers),
                lanes.takes.eq(self.takes),
            ]
        else:  # whole lanes take an operation a cycle, and hand out as long after it as all others
            m.d.comb += dispatcher.room.eq(1)
        self._carry(m, platform, dispatcher, setup, lanes)
        if self.watched:
            m.d.comb += [
                self.watch.operation.eq(lanes.watched),
                self.watch.silent.eq(silent),
                self.watch.square_end.eq(dispatcher.square_end),
                dispatcher.hold.eq(self.watch.hold),
                dispatcher.finished.eq(self.watch.finished),
            ]
        return m

    def _lanes(self) -> LaneArray | SharedLanes:
        """Whole lanes, or such as share what comes behind their tests."""
        spec, places, share = self.config.spec, self.config.places, self.config.lane_share
        if share > 1:
            return SharedLanes(spec=spec, places=places, share=share, **lane_queues(self.config))
        return LaneArray(spec=spec, places=places, watched=self.watched)

    def _enter(self, m: Module, queue: StreamQueue, dispatcher: Dispatcher) -> None:
        """Queues ends, and splats with the sub-tiles that they may change; says whether there are any such."""
        head = self.i.payload
        behind = Signal(range(self.config.lane_depth + 1))  # squares' ends that the dispatcher has not come to
        closed = Signal(init=1)  # `dispatcher.closed`, which rises in time and falls a cycle late
        settled = Signal()  # what the dispatcher knows is of the square at `i`
        opaque = Signal(self.config.places)
        wanted = Signal()
        m.d.comb += [
            settled.eq((behind == 0) & ~closed),
            opaque.eq(dispatcher.opaque & settled.replicate(len(opaque))),
            queue.i.payload.eq(head),
            queue.i.payload.mask.eq(head.mask & ~opaque),
            wanted.eq((head.mask & ~opaque).any() | head.end),
            queue.i.valid.eq(self.i.valid & wanted),
            self.i.ready.eq(queue.i.ready | ~wanted),
        ]
        m.d.sync += [
            closed.eq(dispatcher.closed | dispatcher.square_end),
            behind.eq(behind + (transfer(self.i) & head.end) - dispatcher.square_end),
            # In the cycle after an end, what is dead would be taken for the next square's.
            self.dead.eq(settled & (dispatcher.opaque | self.outside).all() & ~(self.i.valid & head.end)),
        ]

    @staticmethod
    def _opens(m: Module, setup: RasterSetup) -> Value:
        """The set-up takes an operation that the dispatcher chooses now, and has in a register in the next cycle."""
        if setup.interval == 1:
            return Const(1)
        m.d.sync += setup.turn.eq(setup.turn + 1)
        return setup.turn == setup.interval - 1

    def _carry(
        self, m: Module, platform: object, dispatcher: Dispatcher, setup: RasterSetup, lanes: LaneArray | SharedLanes
    ) -> None:
        """Operation and colour wait for the set-up's result; the flags that write are reset."""
        p = paced_pipe(m, platform, setup)
        latency = setup.latency
        color = p.at(p.source(dispatcher.splat.color, "color"), latency)
        place = p.at(p.source(dispatcher.operation.place, "place"), latency)
        m.d.comb += [lanes.i.color.eq(color), lanes.i.operation.place.eq(place)]
        if self.watched:
            m.d.comb += lanes.i.id.eq(p.at(p.source(dispatcher.splat.id, "id"), latency))
        for name in ("draw", "flush"):
            late = Signal(latency, name=f"{name}_late")
            m.d.sync += late.eq(Cat(dispatcher.operation[name], late[:-1]))
            m.d.comb += lanes.i.operation[name].eq(late[-1])
