"""A side of a column or row of groups: its tangent, and the magnitudes of its plane's normal."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.splat.spec import NORMAL_FRACTION, RECIPROCAL_BITS, Spec
from hw.lib.fixed import clip, resize
from hw.lib.pipe import Pipe, Staged
from hw.lib.tree import add_all
from hw.splat.layouts import NORMAL_WIDTH, SideLayout, header_layout, view_layout

FRONT = 2  # the axis of the camera's own plane


class SideUnit(wiring.Component):
    """slope = edge / focal, rounded outwards; |row_axis - slope·row_z|, rounded up.

    `golden.splat.vsu.side_slopes` and `sides`. With axis `FRONT`, the camera's plane: slope 0, |row_z|. Latency
    11 cycles, one side a cycle; multipliers of 29×12 bits and three of 16×12.
    """

    latency = 11

    def __init__(self, *, spec: Spec) -> None:
        self.spec = spec
        self.edge_shape = signed(20 + spec.screen_fraction)
        super().__init__(
            {
                #: where the side lies from the principal point, on the screen; low or high side; of a column (axis
                #: 0), of a row (1) or the camera's plane (`FRONT`)
                "i": In(data.StructLayout({"edge": self.edge_shape, "high": 1, "axis": 2})),
                "frame": In(header_layout()),  #: the frame's header, constant while sides are made
                "view": In(view_layout()),  #: the same of the view
                "o": Out(SideLayout(spec)),  #: 11 cycles later
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = Pipe(m, platform)
        spec, view = self.spec, self.view
        axis, high = p.source(self.i.axis, "axis"), p.source(self.i.high, "high")
        code = p.stage(
            lambda a: Mux(a[0], view.reciprocal_y, view.reciprocal_x)[: RECIPROCAL_BITS + 1], axis, name="code"
        )
        exponent = p.stage(lambda a: Mux(a[0], view.exponent_y, view.exponent_x)[:4], axis, name="exponent")
        outward = p.stage(lambda e, h: Mux(h, -e, e), p.source(self.i.edge, "edge"), high, name="outward")
        product = p.stage(lambda *t: add_all(t), *p.parted_product(outward, code, name="product"), name="product")
        # One place less than the whole shift: half a step is taken off before the last one.
        places = RECIPROCAL_BITS + spec.screen_fraction - spec.slope_format.fraction - 1
        cut = Staged(product.value.shift_right(places), product.stage, "cut")
        shifted = p.shift_right(cut, exponent, name="shifted")
        floor = p.stage(lambda v: (v - 1).shift_right(1), shifted, name="floor")
        wide = p.stage(lambda v, h: Mux(h, -v, v), floor, high, name="wide")
        slope = p.stage(lambda v, a: Mux(a == FRONT, 0, self._saturated(v)), wide, axis, name="slope")
        p.finish(
            self.o,
            self.latency,
            slope=slope,
            normal=p.join([self._magnitude(p, slope, axis, k) for k in range(3)], "normal"),
        )
        return m

    def _saturated(self, slope: Value) -> Value:
        fmt = self.spec.slope_format
        return resize(clip(slope, fmt.low, fmt.high), signed(fmt.width))

    def _magnitude(self, p: Pipe, slope: Staged, axis: Staged, k: int) -> Staged:
        """|row_axis - slope·row_z| along world axis k, rounded up."""
        spec = self.spec
        width, fraction = spec.rotation_format.width, spec.slope_format.fraction
        x, y, z = (self.frame[f"rotation_{row}{k}"][:width].as_signed() for row in range(3))
        narrow = Staged(resize(slope.value, signed(fraction + 3)), slope.stage, f"slope_{k}")
        normal = p.stage(
            lambda a, *v: Mux(a == FRONT, z, Mux(a[0], y, x)).shift_left(fraction) - add_all(v),
            axis,
            *p.parted_product(narrow, p.constant(z, f"rotation_2{k}"), name=f"product_{k}"),
            name=f"normal_{k}",
        )
        drop = spec.rotation_format.fraction + fraction - NORMAL_FRACTION
        return p.stage(
            lambda n: resize((Mux(n < 0, -n, n) + (1 << drop) - 1).shift_right(drop), unsigned(NORMAL_WIDTH)),
            normal,
            name=f"magnitude_{k}",
        )
