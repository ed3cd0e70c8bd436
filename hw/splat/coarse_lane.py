"""One lane of the coarse filter: a Gaussian's centre in camera space, and its sphere against the group."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Mux, Shape, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.splat.spec import (
    CAMERA_FRACTION,
    DEPTH_DROP,
    RADIUS_BIAS,
    RADIUS_MANTISSA,
    SLACK_BITS,
    STRETCH_FRACTION,
    Spec,
)
from hw.lib.pipe import Pipe, Staged
from hw.splat.layouts import coarse_half_layout, header_layout, vector

REACH_SHIFT = RADIUS_BIAS + RADIUS_MANTISSA + STRETCH_FRACTION - CAMERA_FRACTION
SLOPES = ("left", "right", "top", "bottom")
DEPTHS = ("low", "high")


def group_fields(spec: Spec) -> dict[str, Shape]:
    """What the lanes know of the group: the tangents of its four sides, and the depths that it draws."""
    slope, depth = signed(spec.slope_format.width), signed(spec.camera_format.width)
    return {**dict.fromkeys(SLOPES, slope), **dict.fromkeys(DEPTHS, depth)}


class CoarseLane(wiring.Component):
    """point = origin + W·offset; kept if in front of the near plane, of the slab's depth, in reach of all four sides.

    The test of `golden.splat.coarse_filter.coarse_filter`. Latency 8 cycles, one Gaussian a cycle;
    13 multipliers of up to 24×18 bits and two of 8×8.
    """

    latency = 8

    def __init__(self, *, spec: Spec) -> None:
        self.spec = spec
        inputs = {
            "half": coarse_half_layout(spec),  #: the Gaussian, its position as an offset in the voxel
            "origin": vector(spec),  #: the voxel's corner in camera space
            "relative": vector(spec),  #: the same corner from the camera along world axes
            "mask": 1,  #: there is a Gaussian on this lane
        }
        result = {
            "keep": 1,  #: it may colour the group
            "point": vector(spec),  #: its centre in camera space
            "relative": vector(spec),  #: its centre from the camera along world axes
        }
        super().__init__(
            {
                #: a Gaussian, the tangents of the group's four sides and its range of depths
                "i": In(data.StructLayout({**inputs, **group_fields(spec)})),
                "frame": In(header_layout()),  #: the frame's header, constant while the frame is drawn
                "o": Out(data.StructLayout(result)),  #: 8 cycles later, whether or not it is kept
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = Pipe(m, platform)
        spec = self.spec
        half = p.stage(lambda v: v, p.source(self.i.half, "half"), name="half_in")
        up = CAMERA_FRACTION - spec.position_bits
        width = spec.camera_format.width

        origin = [p.source(self.i.origin[k], f"origin_{k}") for k in range(3)]
        corner = [p.source(self.i.relative[k], f"corner_{k}") for k in range(3)]
        relative = [
            p.stage(lambda h, c, a=a: (c + (h[f"offset_{a}"] << up))[:width], half, corner[k], name=f"relative_{a}")
            for k, a in enumerate("xyz")
        ]
        point = [self._rotate(p, half, origin[row], row) for row in range(3)]
        keep = self._inside(p, point, half)
        kept = p.stage(lambda v, mask: v & mask, keep, p.source(self.i.mask, "mask"), name="keep")
        p.finish(
            self.o,
            self.latency,
            keep=kept,
            point=p.join(point, "point"),
            relative=p.join(relative, "relative"),
        )
        return m

    def _rotate(self, p: Pipe, half: Staged, origin: Staged, row: int) -> Staged:
        """origin + (W·offset >> fraction), one coordinate."""
        spec = self.spec
        up = CAMERA_FRACTION - spec.position_bits
        rotation = spec.rotation_format
        products = [
            p.stage(
                lambda h, a=a, k=k: h[f"offset_{a}"] * self.frame[f"rotation_{row}{k}"][: rotation.width].as_signed(),
                half,
                name=f"product_{row}{k}",
            )
            for k, a in enumerate("xyz")
        ]
        total = p.stage(lambda a, b, c: a + b + c, *products, name=f"rotated_{row}")
        width = spec.camera_format.width
        return p.stage(
            lambda t, o: (o + ((t << up) >> rotation.fraction))[:width].as_signed(), total, origin, name=f"point_{row}"
        )

    def _reach(self, p: Pipe, half: Staged, axis: str) -> Staged:
        """Bounding radius × stretch + slack, rounded up; the twin of `radius_times_stretch`."""
        mantissa_bits = RADIUS_MANTISSA
        product = p.stage(
            lambda h: (h.radius[:mantissa_bits] | 1 << mantissa_bits) * self.frame[f"stretch_{axis}"][:8],
            half,
            name=f"stretched_{axis}",
        )
        exponent = Staged(half.value.radius[mantissa_bits:], half.stage, f"exponent_{axis}")
        wide = p.shift_left(product, exponent, mantissa_bits + 9 + 31, name=f"shifted_{axis}")
        slack = 1 << (CAMERA_FRACTION - SLACK_BITS)
        return p.stage(
            lambda w, e: (w >> REACH_SHIFT) + Mux(e < REACH_SHIFT, slack + 1, slack),
            wide,
            exponent,
            name=f"reach_{axis}",
        )

    def _inside(self, p: Pipe, point: list[Staged], half: Staged) -> Staged:
        """Near plane, range of depths and four sides."""
        drop = self.spec.slope_format.fraction - DEPTH_DROP
        x, y, z = point
        side = {
            name: p.stage(lambda d, s: (d >> DEPTH_DROP) * s, z, p.source(self.i[name], name), name=f"side_{name}")
            for name in SLOPES
        }
        reach = {axis: self._reach(p, half, axis) for axis in "xy"}

        def beyond(high: str, low: str, axis: str, centre: Staged) -> Staged:
            def outside(c: Value, upper: Value, lower: Value, r: Value) -> Value:
                return (c - (upper >> drop) > r) | ((lower >> drop) - c > r)

            return p.stage(outside, centre, side[high], side[low], reach[axis], name=f"outside_{axis}")

        outside_x, outside_y = beyond("right", "left", "x", x), beyond("bottom", "top", "y", y)
        front = p.stage(lambda d: d > self.frame.near, z, name="front")
        low, high = (p.source(self.i[name], name) for name in DEPTHS)
        behind = p.stage(lambda d, bound: d >= bound, z, low, name="behind")
        before = p.stage(lambda d, bound: d < bound, z, high, name="before")
        return p.stage(
            lambda a, b, *depths: Cat(*depths).all() & ~a & ~b,
            outside_x, outside_y, front, behind, before, name="inside",
        )  # fmt: skip
