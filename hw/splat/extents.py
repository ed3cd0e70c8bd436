"""How far a splat reaches: half-widths of the region in which alpha is at least 1/255."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Mux, ShapeLike, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.splat.spec import (
    COVARIANCE_FRACTION,
    COVARIANCE_WIDTH,
    EXTENT_FACTOR_FRACTION,
    HALF_LOG2E,
    SLANTS,
    VARIANCE_WIDTH,
    Spec,
)
from hw.lib.fixed import clip, resize
from hw.lib.paced import in_turn, paced_pipe, turn_port
from hw.lib.pipe import Pipe, Staged
from hw.splat.covariance import covariance_layout

DIRECTIONS = ("x", "y", "sum", "difference")
FACTOR_WIDTH = 13
SLOWER = {1: 0, 2: 1, 4: 3, 8: 5, 16: 5}  # cycles, by interval


def extent_layout(spec: Spec) -> data.ArrayLayout:
    """Along x, y, x+y and x-y, in pixels with screen_fraction; never negative."""
    return data.ArrayLayout(spec.mean_format.width - 1, len(DIRECTIONS))


def slant_layout(spec: Spec) -> dict[str, ShapeLike]:
    """The direction between those along which the splat is narrowest, and how far it reaches there."""
    return {
        "slant": range(len(SLANTS)),  #: number of the direction, `golden.splat.slant`
        "slant_extent": spec.mean_format.width + 1,  #: in the unit of the others
    }


class Extents(wiring.Component):
    """e = sqrt(2·ln(255·o)·variance) along five directions, rounded up; `golden.splat.extents`.

    Latency 18 cycles, one a cycle; 6 multipliers and five look-ups. Once in 8 cycles: 23 cycles, 2 multipliers and
    one look-up.
    """

    LATENCY = 18

    def __init__(self, *, spec: Spec, interval: int = 1) -> None:
        self.spec, self.interval = spec, interval
        self.latency = self.LATENCY + SLOWER[interval]
        super().__init__(
            {
                **turn_port(interval),
                #: Σ', and -log2 of the opacity
                "i": In(data.StructLayout({**covariance_layout().members, "opacity": spec.opacity_bits})),
                #: half-widths along the four directions that all splats share, and along the splat's own
                "o": Out(data.StructLayout({"extent": extent_layout(spec), **slant_layout(spec)})),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = paced_pipe(m, platform, self)
        factor = self._factor(p)
        doublings = p.source(self.i.doublings, "doublings")
        high = self.spec.mean_format.high
        slant, along = self._slant(p)
        if self.interval > 1:  # all as wide as the widest
            variances = [_widened(variance) for variance in self._variances(p)]
            sets = [(variance, factor, doublings) for variance in (*variances, along)]
            *extents, slant_extent = in_turn(
                p, lambda v, f, d, name: self._extent(p, v, f, d, name, 4 * high), sets, (*DIRECTIONS, "slant")
            )
            extents = [Staged(clip(e.value, 0, high)[: high.bit_length()], e.stage, e.name) for e in extents]
        else:
            variances = zip(DIRECTIONS, self._variances(p), strict=True)
            extents = [self._extent(p, variance, factor, doublings, name, high) for name, variance in variances]
            slant_extent = self._extent(p, along, factor, doublings, "slant", 4 * high)
        p.finish(
            self.o, self.latency, extent=p.join(extents, "extent"), slant=slant, slant_extent=slant_extent
        )  # fmt: skip
        return m

    def _factor(self, p: Pipe) -> Staged:
        """2·ln(255·o), u4.8, rounded up."""
        spec = self.spec
        full = spec.max_power << spec.opacity_fraction
        down = spec.opacity_fraction + spec.power_fraction + 10 - EXTENT_FACTOR_FRACTION
        constant = round((1 << 10) / HALF_LOG2E) + 1
        margin = p.stage(
            lambda o: clip(full - (o << spec.power_fraction), 0, full),
            p.source(self.i.opacity, "opacity"),
            name="margin",
        )
        product = p.stage(lambda v: v * constant, margin, name="margin_product")
        return p.stage(lambda v: resize(v.shift_right(down) + 1, unsigned(FACTOR_WIDTH)), product, name="factor")

    def _variances(self, p: Pipe) -> list[Staged]:
        """Of x, y, x+y and x-y."""
        shape = unsigned(COVARIANCE_WIDTH + 2)
        xx, xy, yy = (p.source(self.i[name], name) for name in ("xx", "xy", "yy"))

        def diagonal(name: str, sign: int) -> Staged:
            def variance(a: Value, b: Value, c: Value) -> Value:
                total = a + c + (b << 1) if sign > 0 else a + c - (b << 1)
                return resize(Mux(total < 0, 0, total), shape)

            return p.stage(variance, xx, xy, yy, name=f"variance_{name}")

        straight = [p.stage(lambda v: resize(v, shape), v, name=f"variance_{n}") for n, v in (("x", xx), ("y", yy))]
        return [*straight, diagonal("sum", 1), diagonal("difference", -1)]

    def _slant(self, p: Pipe) -> tuple[Staged, Staged]:
        """The splat's own direction, and the variance along it: 3 cycles."""
        xx, xy, yy = (p.source(self.i[name], name) for name in ("xx", "xy", "yy"))
        gap = p.stage(lambda a, c: a - c, xx, yy, name="gap")
        # Nearer to a diagonal than to an axis.
        diagonal = p.stage(lambda g, b: (abs(b) << 1) > abs(g), gap, xy, name="diagonal")
        signs = p.stage(lambda g, b: Cat(g > 0, b > 0), gap, xy, name="signs")
        slant = Staged(Cat(signs.value[0], diagonal.value, signs.value[1]), diagonal.stage, "slant")

        def along(a: Value, b: Value, c: Value, near: Value, side: Value) -> Value:
            # Of the nearer axis' variance 9 or 4 times, of the other's once, of xy 6 or 4 times.
            more, once = Mux(side[0], c, a), Mux(side[0], a, c)
            return Mux(near, more << 2, (more << 3) + more) + once

        def across(b: Value, near: Value) -> Value:
            return Mux(near, b << 2, (b << 2) + (b << 1))

        straight = p.stage(along, xx, xy, yy, diagonal, signs, name="slant_straight")
        mixed = p.stage(across, xy, diagonal, name="slant_mixed")

        def variance(s: Value, t: Value) -> Value:
            # Less the magnitude of t: where t is negative, its sum is taken, so that nothing need be negated.
            rest = Mux(t < 0, s + t, s - t)
            return resize(Mux(rest < 0, 0, rest), unsigned(VARIANCE_WIDTH))

        return slant, p.stage(variance, straight, mixed, name="variance_slant")

    def _extent(self, p: Pipe, variance: Staged, factor: Staged, doublings: Staged, name: str, high: int) -> Staged:
        """The root of variance · factor, normalised to an even exponent; at most `high`."""
        spec = self.spec
        bits, width = spec.mantissa_bits, len(variance.value)
        mantissa, zeros = p.normalise(variance, width, bits, name=f"mantissa_{name}")
        rounded_up = p.stage(lambda v: v + 1, mantissa, name=f"rounded_up_{name}")
        product = p.stage(lambda v, f: v * f, rounded_up, factor, name=f"product_{name}")
        product_width = bits + 15
        top = p.leading_zeros(product, product_width, name=f"product_zeros_{name}")
        unit = width - bits - COVARIANCE_FRACTION - EXTENT_FACTOR_FRACTION  # minus zeros

        def even(z: Value, up: Value) -> Value:
            odd = (unit + product_width - z - up)[0]
            return (up - odd)[: len(up)]

        up = p.stage(even, zeros, top, name=f"up_{name}")
        shifted = p.shift_left(product, up, product_width, name=f"shifted_{name}")
        index = Staged(shifted.value.shift_right(product_width - 8), shifted.stage, f"index_{name}")
        root = p.step_table(spec.extent_sqrt, index, name=f"root_{name}")
        shift = p.stage(
            lambda z, u, d: resize(
                (unit + product_width - 2 - z - u).shift_right(1) + spec.screen_fraction - 8 + d, signed(6)
            ),
            zeros,
            up,
            doublings,
            name=f"shift_{name}",
        )
        return self._scaled(p, root, shift, name, high)

    def _scaled(self, p: Pipe, root: Staged, shift: Staged, name: str, high: int) -> Staged:
        """root · 2**shift, rounded up and at most `high`."""
        most = high.bit_length() - 8  # a root is 2**8 or more: what is shifted further saturates
        left = p.stage(lambda s: clip(s, 0, most)[:5], shift, name=f"left_{name}")
        right = p.stage(lambda s: Mux(s < 0, -s, 0)[:5], shift, name=f"right_{name}")
        wide = p.shift_left(root, left, len(root.value) + most, name=f"wide_{name}")
        narrow = p.shift_right(root, right, name=f"narrow_{name}")
        below = p.stage(lambda s: s < 0, shift, name=f"below_{name}")
        return p.stage(
            lambda w, n, b: clip(Mux(b, n + 1, w), 0, high)[: high.bit_length()],
            wide,
            narrow,
            below,
            name=f"extent_{name}",
        )


def _widened(variance: Staged) -> Staged:
    """With the bits of the widest of the variances."""
    return Staged(resize(variance.value, unsigned(VARIANCE_WIDTH)), variance.stage, variance.name)
