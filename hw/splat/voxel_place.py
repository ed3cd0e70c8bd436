"""Voxels of the scene in the view: near bound, and the box around their supports."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.splat.spec import CAMERA_FRACTION, HALF_BITS, STRETCH_FRACTION
from hw.lib.fixed import resize, shape_of
from hw.lib.queue import StreamQueue
from hw.lib.stream import transfer
from hw.lib.stream_pipeline import StreamPipeline
from hw.splat.config import Config
from hw.splat.dot_unit import DotUnit
from hw.splat.row_layouts import header_layout, place_layout
from hw.splat.voxel_layouts import EXPONENT_WIDTH, EntryLayout, PlacedLayout

#: The products of a voxel: its middle along x, y, z; its corner along z; the nearest corner of its Gaussians from that.
MIDDLE_X, MIDDLE_Y, MIDDLE_Z, CORNER, NEAREST = range(5)
WAITING = 4  # voxels whose products are under way


class VoxelPlace(wiring.Component):
    """`golden.splat.vsu.near_bounds`, `middles` and `stretched` of every entry of the voxel table.

    One voxel in 5 cycles; three multipliers of 32×18 bits and three of 17×8. If the config is `lean`, one in 20 cycles,
    by one of the former.
    """

    def __init__(self, *, config: Config) -> None:
        self.config, spec = config, config.spec
        self.spec = spec
        super().__init__(
            {
                "i": In(stream.Signature(place_layout())),  #: entries of the voxel table
                "frame": In(header_layout()),  #: the frame's header, constant while voxels are under way
                "o": Out(stream.Signature(PlacedLayout(spec))),  #: the same voxels in the view
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        config = self.config
        unit = DotUnit(spec=self.spec, steps=NEAREST + 1, interval=config.order_interval)
        m.submodules.pipeline = pipeline = StreamPipeline(
            unit, depth=1 if config.lean else None, interval=config.order_interval
        )
        m.submodules.boxes = boxes = StreamQueue(shape=self._box_layout(), depth=config.depth(WAITING))
        m.d.comb += unit.frame.eq(self.frame)
        self._ask(m, pipeline.i, boxes.i)
        self._gather(m, pipeline.o, boxes.o)
        return m

    @staticmethod
    def _box_layout() -> data.StructLayout:
        return data.StructLayout(
            {"entry": EntryLayout(), "half": data.ArrayLayout(HALF_BITS, 3), "exponent": EXPONENT_WIDTH}
        )

    def _part(self, m: Module) -> Signal:
        """Of the view's stretch, from 1 to 2, what is beyond 1; from a cycle after the frame on."""
        part = Signal(STRETCH_FRACTION)
        x, y = self.frame.stretch_x[: STRETCH_FRACTION + 1], self.frame.stretch_y[: STRETCH_FRACTION + 1]
        m.d.sync += part.eq(Mux(x < y, y, x))
        return part

    def _ask(self, m: Module, products: stream.Interface, boxes: stream.Interface) -> None:
        """The five products of the entry at hand, one a cycle; its box goes along with the last."""
        place = self.i.payload
        step = Signal(range(NEAREST + 1))
        part = self._part(m)
        last = Signal()
        m.d.comb += [
            last.eq(step == NEAREST),
            products.valid.eq(self.i.valid & (~last | boxes.ready)),
            boxes.valid.eq(self.i.valid & last & products.ready),
            self.i.ready.eq(last & products.ready & boxes.ready),
            products.payload.row.eq(Mux(step < MIDDLE_Z, step, MIDDLE_Z)),
            products.payload.step.eq(step),
            boxes.payload.entry.count.eq(place.count),
            boxes.payload.entry.first.eq(place.first),
            boxes.payload.exponent.eq(place.exponent),
        ]
        for k, axis in enumerate("xyz"):
            position = self.frame[f"position_{axis}"]
            relative = place[f"index_{axis}"].shift_left(CAMERA_FRACTION) - position
            towards_camera = self.frame[f"rotation_2{k}"][self.spec.rotation_format.width - 1]
            nearest = Mux(towards_camera, place[f"high_{axis}"], place[f"low_{axis}"])
            from_corner = Mux(step == CORNER, 0, place[f"middle_{axis}"])
            m.d.comb += [
                boxes.payload.entry.index[k].eq(place[f"index_{axis}"]),
                products.payload.vector[k].eq(Mux(last, nearest, relative + from_corner)),
                boxes.payload.half[k].eq(self._stretched(m, place[f"half_1_{axis}"], place[f"half_2_{axis}"], part)),
            ]
        with m.If(transfer(products)):
            m.d.sync += step.eq(Mux(last, 0, step + 1))

    @staticmethod
    def _stretched(m: Module, small: Value, large: Value, part: Value) -> Value:
        """The half extent for a stretch of 1 + part, rounded up; two cycles after the entry, which stays for five."""
        difference, product = Signal(HALF_BITS), Signal(HALF_BITS + STRETCH_FRACTION)
        m.d.sync += [difference.eq(large - small), product.eq(difference * part)]
        return (small + (product + (1 << STRETCH_FRACTION) - 1).shift_right(STRETCH_FRACTION))[:HALF_BITS]

    def _gather(self, m: Module, products: stream.Interface, boxes: stream.Interface) -> None:
        """The products of one voxel side by side; the next one's are gathered while it waits."""
        out = self.o.payload
        coordinate = shape_of(self.spec.camera_format)
        corner, middle = Signal(coordinate), Signal(data.ArrayLayout(coordinate, 3))
        dot, step = products.payload.dot, products.payload.step
        m.d.comb += [
            products.ready.eq((step != NEAREST) | ~self.o.valid | self.o.ready),
            boxes.ready.eq(transfer(products) & (step == NEAREST)),
        ]
        with m.If(transfer(self.o)):
            m.d.sync += self.o.valid.eq(0)
        with m.If(transfer(products)):
            for k in (MIDDLE_X, MIDDLE_Y, MIDDLE_Z):
                with m.If(step == k):
                    m.d.sync += middle[k].eq(dot)
            with m.If(step == CORNER):
                m.d.sync += corner.eq(dot)
            with m.If(step == NEAREST):
                m.d.sync += [
                    out.middle.eq(middle),
                    out.bound.eq(resize(corner + dot, coordinate)),
                    out.half.eq(boxes.payload.half),
                    out.exponent.eq(boxes.payload.exponent),
                    out.entry.eq(boxes.payload.entry),
                    self.o.valid.eq(1),
                ]
