"""A side of a column or row of groups: its tangent, and the magnitudes of its plane's normal."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.splat.spec import NORMAL_FRACTION, RECIPROCAL_BITS, Spec
from hw.lib.fixed import clip, resize
from hw.lib.paced import in_turn, paced_pipe, turn_port, turns
from hw.lib.pipe import Pipe, Staged
from hw.lib.tree import add_all
from hw.splat.row_layouts import header_layout, view_layout
from hw.splat.voxel_layouts import NORMAL_WIDTH, SideLayout

FRONT = 2  # the axis of the camera's own plane


class SideUnit(wiring.Component):
    """slope = edge / focal, rounded outwards; |row_axis - slope·row_z|, rounded up.

    `golden.splat.vsu.side_slopes` and `sides`. With axis `FRONT`, the camera's plane: slope 0, |row_z|. Latency
    11 cycles, one side a cycle; multipliers of 29×12 bits and three of 16×12. Once in 4 cycles: 14 cycles, and one of
    the latter.
    """

    def __init__(self, *, spec: Spec, interval: int = 1) -> None:
        self.spec, self.interval = spec, interval
        self.latency = 11 + turns(3, interval)
        self.edge_shape = signed(20 + spec.screen_fraction)
        super().__init__(
            {
                **turn_port(interval),
                #: where the side lies from the principal point, on the screen; low or high side; of a column (axis
                #: 0), of a row (1) or the camera's plane (`FRONT`)
                "i": In(data.StructLayout({"edge": self.edge_shape, "high": 1, "axis": 2})),
                "frame": In(header_layout()),  #: the frame's header, constant while sides are made
                "view": In(view_layout()),  #: the same of the view
                "o": Out(SideLayout(spec)),  #: `latency` cycles later
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = paced_pipe(m, platform, self)
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
            normal=p.join(self._magnitudes(p, slope, axis), "normal"),
        )
        return m

    def _saturated(self, slope: Value) -> Value:
        fmt = self.spec.slope_format
        return resize(clip(slope, fmt.low, fmt.high), signed(fmt.width))

    def _magnitudes(self, p: Pipe, slope: Staged, axis: Staged) -> list[Staged]:
        """|row_axis - slope·row_z| along every world axis, rounded up."""
        width = self.spec.rotation_format.width
        sets = [
            [slope, axis]
            + [
                p.constant(self.frame[f"rotation_{row}{k}"][:width].as_signed(), f"rotation_{row}{k}")
                for row in range(3)
            ]
            for k in range(3)
        ]
        return in_turn(p, lambda *operands: self._magnitude(p, *operands), sets, "012")

    def _magnitude(self, p: Pipe, slope: Staged, axis: Staged, x: Staged, y: Staged, z: Staged, k: str) -> Staged:
        """The same along one, the camera's rows along which are x, y, z."""
        spec = self.spec
        fraction = spec.slope_format.fraction
        narrow = Staged(resize(slope.value, signed(fraction + 3)), slope.stage, f"slope_{k}")
        normal = p.stage(
            lambda a, x, y, z, *v: Mux(a == FRONT, z, Mux(a[0], y, x)).shift_left(fraction) - add_all(v),
            axis, x, y, z, *p.parted_product(narrow, z, name=f"product_{k}"), name=f"normal_{k}",
        )  # fmt: skip
        drop = spec.rotation_format.fraction + fraction - NORMAL_FRACTION
        return p.stage(
            lambda n: resize((Mux(n < 0, -n, n) + (1 << drop) - 1).shift_right(drop), unsigned(NORMAL_WIDTH)),
            normal,
            name=f"magnitude_{k}",
        )
