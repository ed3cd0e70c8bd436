"""One lane of the coarse filter: a Gaussian's centre in camera space, and its reach against the group."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Elaboratable, Module, Mux, Shape, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.splat.spec import (
    CAMERA_FRACTION,
    DEPTH_DROP,
    FLAT_SHIFTS,
    LEAN_FRACTION,
    RADIUS_BIAS,
    RADIUS_MANTISSA,
    SLACK,
    STRETCH_FRACTION,
    Spec,
    flat_stretch,
)
from hw.lib.paced import in_turn, paced_pipe, turn_port
from hw.lib.pipe import Pipe, Staged
from hw.lib.tree import add_all
from hw.splat.layouts import vector
from hw.splat.row_layouts import coarse_half_layout, header_layout

STRETCH_BITS = STRETCH_FRACTION + 1
REACH_SHIFT = RADIUS_BIAS + RADIUS_MANTISSA + STRETCH_FRACTION - CAMERA_FRACTION
SLOPES = ("left", "right", "top", "bottom")
DEPTHS = ("low", "high")

SLOWER = {1: 0, 2: 4, 4: 5, 8: 5}  # cycles, by interval


def group_fields(spec: Spec) -> dict[str, Shape]:
    """What the lanes know of the group: the tangents of its four sides, and the depths that it draws."""
    slope, depth = signed(spec.slope_format.width), signed(spec.camera_format.width)
    return {**dict.fromkeys(SLOPES, slope), **dict.fromkeys(DEPTHS, depth)}


class CoarseLane(wiring.Component):
    """point = origin + W·offset; kept if in front of the near plane, of the slab's depth, in reach of all four sides.

    The test of `golden.splat.coarse_filter.coarse_filter`. Latency 14 cycles, one Gaussian a cycle;
    9 multipliers of 18×12 bits, four of 24×12 and two of 8×8. Once in 4 cycles or more: 19 cycles, a third of the
    first, half of the others, for rows and axes come in turn.
    """

    LATENCY = 14

    def __init__(self, *, spec: Spec, interval: int = 1) -> None:
        self.spec, self.interval = spec, interval
        self.latency = self.LATENCY + SLOWER[interval]
        inputs = {
            "half": coarse_half_layout(spec),  #: the Gaussian, its position as an offset in the voxel
            "origin": vector(spec),  #: the voxel's corner in camera space
            "relative": vector(spec),  #: the same corner from the camera along world axes
            "mask": 1,  #: there is a Gaussian on this lane
        }
        result = {
            "keep": 1,  #: it may colour the group
            "beyond": 1,  #: it may, but for the group's range of depths, which it lies behind
            "point": vector(spec),  #: its centre in camera space
            "relative": vector(spec),  #: its centre from the camera along world axes
        }
        super().__init__(
            {
                **turn_port(interval),
                #: a Gaussian, the tangents of the group's four sides and its range of depths
                "i": In(data.StructLayout({**inputs, **group_fields(spec)})),
                "frame": In(header_layout()),  #: the frame's header, constant while the frame is drawn
                "o": Out(data.StructLayout(result)),  #: `latency` cycles later, whether or not it is kept
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = paced_pipe(m, platform, self)
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
        point = self._rotated(p, half, origin)
        kept, beyond = self._inside(p, point, half, p.source(self.i.mask, "mask"))
        p.finish(self.o, self.latency, keep=kept, beyond=beyond, relative=p.join(relative, "relative"))
        # Coordinate by coordinate: the test has delayed each already.
        m.d.comb += Value.cast(self.o.point).eq(Cat(p.at(coordinate, self.latency) for coordinate in point))
        return m

    def _rotated(self, p: Pipe, half: Staged, origin: list[Staged]) -> list[Staged]:
        """origin + (W·offset >> fraction)."""
        width = self.spec.rotation_format.width
        offsets = [Staged(half.value[f"offset_{a}"], half.stage, f"offset_{a}") for a in "xyz"]
        rows = [[f"rotation_{row}{k}" for k in range(3)] for row in range(3)]
        sets = [
            [*offsets, *(p.constant(self.frame[name][:width].as_signed(), name) for name in row), start]
            for row, start in zip(rows, origin, strict=True)
        ]
        return in_turn(p, lambda *operands: self._rotate(p, *operands), sets, "012")

    def _rotate(self, p: Pipe, *operands: Any) -> Staged:
        """One coordinate: of offset and a row of W, three each, and of origin."""
        spec = self.spec
        up = CAMERA_FRACTION - spec.position_bits
        rotation = spec.rotation_format
        *items, origin, row = operands
        products: list[Staged] = []
        for k, (offset, factor) in enumerate(zip(items[:3], items[3:], strict=True)):
            products += p.parted_product(factor, offset, name=f"product_{row}{k}")
        total = p.stage(lambda *t: add_all(t), *products, name=f"rotated_{row}")
        width = spec.camera_format.width
        return p.stage(
            lambda t, o: (o + ((t << up) >> rotation.fraction))[:width].as_signed(), total, origin, name=f"point_{row}"
        )

    def _stretch(self, p: Pipe, position: Staged, depth: Staged, widest: Staged, axis: str) -> Staged:
        """The least bound of sqrt(1 + tan²) that holds; the twin of `stretch`."""
        bits = self.spec.camera_format.width - DEPTH_DROP - 1

        def is_flat(c: Value, z: Value, shift: int) -> Value:
            # |c| is at most the ones' complement of a negative c, and one.
            return Cat(Const(-1, shift), c[DEPTH_DROP:-1] ^ c[-1].replicate(bits)) < z[DEPTH_DROP:].as_signed()

        flat = [
            p.stage(lambda c, z, shift=shift: is_flat(c, z, shift), position, depth, name=f"flat_{shift}_{axis}")
            for shift in FLAT_SHIFTS
        ]

        def least(widest: Value, *flags: Value) -> Value:
            result = widest
            for flag, code in zip(flags, map(flat_stretch, FLAT_SHIFTS), strict=True):
                result = Mux(flag & (widest > code), code, result)
            return result

        return p.stage(least, widest, *flat, name=f"stretch_{axis}")

    def _radius(self, p: Pipe, code: Staged, stretch: Staged, axis: str) -> Staged:
        """Bounding radius × stretch + slack, rounded up; the twin of `radius_times_stretch`."""
        mantissa_bits = RADIUS_MANTISSA
        product = p.stage(
            lambda c, s: (c[:mantissa_bits] | 1 << mantissa_bits) * s, code, stretch, name=f"stretched_{axis}"
        )
        exponent = Staged(code.value[mantissa_bits:], code.stage, f"exponent_{axis}")
        wide = p.shift_left(product, exponent, mantissa_bits + 1 + STRETCH_BITS + 31, name=f"shifted_{axis}")
        return p.stage(
            lambda w, e: (w >> REACH_SHIFT) + Mux(e < REACH_SHIFT, SLACK + 1, SLACK),
            wide,
            exponent,
            name=f"radius_{axis}",
        )

    def _reach(self, p: Pipe, radius: Staged, span: Staged, axis: str) -> Staged:
        """How far the centre may lie outside; the twin of `reach`."""
        bits = [k for k in range(LEAN_FRACTION) if self.spec.lean >> k & 1]
        less = p.stage(lambda s: add_all([s << k for k in bits]) >> LEAN_FRACTION, span, name=f"less_{axis}")
        lean = p.stage(lambda r, s: r - s, radius, less, name=f"lean_{axis}")
        share = p.stage(lambda r: (r >> 1) + (SLACK // 2 + 1), radius, name=f"share_{axis}")
        return p.stage(lambda a, b: Mux(a > b, a, b), lean, share, name=f"reach_{axis}")

    def _inside(self, p: Pipe, point: list[Staged], half: Staged, mask: Staged) -> tuple[Staged, Staged]:
        """There is a Gaussian that passes near plane, four sides and range of depths; or all but the range's end."""
        drop = self.spec.slope_format.fraction - DEPTH_DROP
        z = point[2]
        radius_code = Staged(half.value.radius, half.stage, "radius")

        def outside(
            centre: Staged, z: Staged, low: Staged, high: Staged, widest: Staged, code: Staged, axis: str
        ) -> Staged:
            far = Staged(z.value >> DEPTH_DROP, z.stage, "far")
            product = [
                p.stage(
                    lambda *t: add_all(t),
                    *p.parted_product(far, slope, name=f"side_{side}_{axis}"),
                    name=f"side_{side}_{axis}",
                )
                for side, slope in (("high", high), ("low", low))
            ]
            sides = [Staged(item.value >> drop, item.stage, item.name) for item in product]
            span = p.stage(lambda upper, lower: upper - lower, *sides, name=f"span_{axis}")
            radius = self._radius(p, code, self._stretch(p, centre, z, widest, axis), axis)
            return p.stage(
                lambda c, upper, lower, r: (c - upper > r) | (lower - c > r),
                centre, *sides, self._reach(p, radius, span, axis), name=f"outside_{axis}",
            )  # fmt: skip

        sets = [
            (
                centre, z, p.source(self.i[low], low), p.source(self.i[high], high),
                p.constant(self.frame[f"stretch_{axis}"][:STRETCH_BITS], f"widest_{axis}"), radius_code,
            )
            for centre, axis, low, high in zip(point, "xy", SLOPES[::2], SLOPES[1::2], strict=False)
        ]  # fmt: skip
        beside = in_turn(p, outside, sets, "xy")
        front = p.stage(lambda d: d > self.frame.near, z, name="front")
        behind = p.stage(lambda d, bound: d >= bound, z, p.source(self.i.low, "low"), name="behind")
        before = p.stage(lambda d, bound: d < bound, z, p.source(self.i.high, "high"), name="before")

        def inside(a: Value, b: Value, before: Value, *rest: Value) -> Value:
            return Cat(*rest).all() & ~a & ~b & before

        kept = p.stage(inside, *beside, before, front, behind, mask, name="inside")
        ahead = Staged(~before.value, before.stage, "ahead")
        return kept, p.stage(inside, *beside, ahead, front, behind, mask, name="beyond")
