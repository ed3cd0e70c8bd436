"""Rasteriser: sorted splats in, framebuffer words out."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.lib.memory_port import ADDRESS_WIDTH, WriteSignature
from hw.lib.payloads import SortedLayout
from hw.lib.pipe import Pipe
from hw.splat.config import Config
from hw.splat.dispatcher import Dispatcher
from hw.splat.lane_array import LaneArray
from hw.splat.layouts import group_layout
from hw.splat.pixel_writer import PixelWriter
from hw.splat.raster_setup import RasterSetup


class Rasteriser(wiring.Component):
    """Dispatcher, set-up, lanes and writer; `golden.splat.rasteriser.rasterise`.

    One splat × one sub-tile a cycle. `stop` rises when every sub-tile of the group at hand that
    lies on the image is opaque: the rest of the group cannot change a pixel. The pixels of a
    `continued` group are not written, and the next group draws on them.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        super().__init__(
            {
                "i": In(stream.Signature(SortedLayout(config.spec))),  #: splats in drawing order, and each group's end
                "groups": In(stream.Signature(group_layout())),  #: the splats' group; taken at its `group_end`
                "start": In(1),  #: a frame begins
                "frame_address": In(ADDRESS_WIDTH),  #: of the framebuffer, once the first splat comes
                "stop": Out(1),  #: nothing can change a pixel of the group at hand any more
                "group_end": Out(1),  #: a group's last splat has gone, in this cycle …
                "square_end": Out(1),  #: … and it is not continued
                "busy": Out(1),  #: pixels are still to be drawn or written
                "drawing": Out(1),  #: in this cycle the lanes get a splat …
                "flushing": Out(1),  #: … or a flush …
                "starved": Out(1),  #: … or nothing, for want of splats …
                "blocked": Out(1),  #: … or nothing, because of hazards
                "memory": Out(WriteSignature(config.memory_width)),  #: framebuffer words
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        config, spec = self.config, self.config.spec
        m.submodules.dispatcher = dispatcher = Dispatcher(config=config)
        m.submodules.setup = setup = RasterSetup(spec=spec)
        m.submodules.lanes = lanes = LaneArray(spec=spec)
        m.submodules.writer = writer = PixelWriter(config=config)
        wiring.connect(m, wiring.flipped(self.memory), writer.memory)
        # A group's end waits for its entry, which says whether it is continued.
        here = self.groups.valid | ~self.i.payload.end
        continued = self.groups.payload.continued[0]
        m.d.comb += [
            Value.cast(dispatcher.i.payload).eq(Value.cast(self.i.payload)),
            dispatcher.i.valid.eq(self.i.valid & here),
            self.i.ready.eq(dispatcher.i.ready & here),
            dispatcher.continued.eq(continued),
            self.square_end.eq(dispatcher.group_end & ~continued),
        ]

        operation = dispatcher.operation
        log2_columns = (spec.columns - 1).bit_length()
        m.d.comb += [
            setup.i.splat.eq(dispatcher.splat),
            setup.i.column.eq(operation.place[:log2_columns]),
            setup.i.row.eq(operation.place[log2_columns:]),
            lanes.i.terms.eq(setup.o),
        ]
        self._carry(m, platform, dispatcher, lanes)
        silent = dispatcher.silent
        m.d.comb += [
            dispatcher.drawn.eq(lanes.drawn),
            dispatcher.flushed.valid.eq(lanes.flushed.valid),
            dispatcher.flushed.place.eq(lanes.flushed.place),
            dispatcher.flush_room.eq(writer.room & ~operation.flush),
            writer.reserved.eq(operation.flush & ~silent),
            writer.flushed.valid.eq(lanes.flushed.valid & ~silent),
            writer.flushed.place.eq(lanes.flushed.place),
            writer.flushed.pixels.eq(lanes.flushed.pixels),
            writer.frame_address.eq(self.frame_address),
            writer.start.eq(self.start),
            self.drawing.eq(operation.draw),
            self.flushing.eq(operation.flush),
            self.starved.eq(dispatcher.starved),
            self.blocked.eq(dispatcher.blocked),
            self.busy.eq(dispatcher.busy | writer.busy),
            self.group_end.eq(dispatcher.group_end),
            self.groups.ready.eq(dispatcher.group_end),
        ]
        self._stop(m, dispatcher)
        return m

    def _carry(self, m: Module, platform: object, dispatcher: Dispatcher, lanes: LaneArray) -> None:
        """Operation and colour wait for the set-up's result; the flags that write are reset."""
        p = Pipe(m, platform)
        latency = RasterSetup.latency
        color = p.at(p.source(dispatcher.splat.color, "color"), latency)
        place = p.at(p.source(dispatcher.operation.place, "place"), latency)
        m.d.comb += [lanes.i.color.eq(color), lanes.i.operation.place.eq(place)]
        for name in ("draw", "flush"):
            late = Signal(latency, name=f"{name}_late")
            m.d.sync += late.eq(Cat(dispatcher.operation[name], late[:-1]))
            m.d.comb += lanes.i.operation[name].eq(late[-1])

    def _stop(self, m: Module, dispatcher: Dispatcher) -> None:
        """`stop`: all sub-tiles on the image are opaque, and none still belongs to the group before."""
        group = self.groups.payload
        n = self.config.spec.columns
        on_image = Cat((c < group.valid_columns) & (r < group.valid_rows) for r in range(n) for c in range(n))
        outside = Signal(n * n)
        known = Signal()
        m.d.sync += [outside.eq(~on_image), known.eq(self.groups.valid & ~self.groups.ready)]
        all_opaque = (dispatcher.opaque | outside).all() & ~dispatcher.closed
        # In the cycle after the group's end, `stop` would already be the next group's.
        m.d.sync += self.stop.eq(known & all_opaque & ~dispatcher.group_end)
