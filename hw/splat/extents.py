"""How far a splat reaches: half-widths of the region in which alpha is at least 1/255."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.splat.spec import (
    COVARIANCE_FRACTION,
    COVARIANCE_WIDTH,
    EXTENT_FACTOR_FRACTION,
    HALF_LOG2E,
    Spec,
)
from hw.lib.fixed import clip, resize
from hw.lib.pipe import Pipe, Staged
from hw.splat.covariance import covariance_layout

DIRECTIONS = ("x", "y", "sum", "difference")
FACTOR_WIDTH = 13


def extent_layout(spec: Spec) -> data.ArrayLayout:
    """Along x, y, x+y and x-y, in pixels with screen_fraction; never negative."""
    return data.ArrayLayout(spec.mean_format.width - 1, len(DIRECTIONS))


class Extents(wiring.Component):
    """e = sqrt(2·ln(255·o)·variance) along four directions, rounded up; `golden.splat.extents`.

    Latency 14 cycles, one a cycle; 5 multipliers and four look-ups.
    """

    latency = 14

    def __init__(self, *, spec: Spec) -> None:
        self.spec = spec
        super().__init__(
            {
                #: Σ', and -log2 of the opacity
                "i": In(data.StructLayout({**covariance_layout().members, "opacity": spec.opacity_bits})),
                "o": Out(data.StructLayout({"extent": extent_layout(spec)})),  #: half-widths along four directions
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = Pipe(m, platform)
        factor = self._factor(p)
        variances = zip(DIRECTIONS, self._variances(p), strict=True)
        extents = [self._extent(p, variance, factor, name) for name, variance in variances]
        p.finish(self.o, self.latency, extent=p.join(extents, "extent"))
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

    def _extent(self, p: Pipe, variance: Staged, factor: Staged, name: str) -> Staged:
        """The root of variance · factor, normalised to an even exponent."""
        spec = self.spec
        bits, width = spec.mantissa_bits, COVARIANCE_WIDTH + 2
        mantissa, zeros = p.normalise(variance, width, bits, name=f"mantissa_{name}")
        product = p.stage(lambda v, f: (v + 1) * f, mantissa, factor, name=f"product_{name}")
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
            p.source(self.i.doublings, "doublings"),
            name=f"shift_{name}",
        )
        return self._scaled(p, root, shift, name)

    def _scaled(self, p: Pipe, root: Staged, shift: Staged, name: str) -> Staged:
        """root · 2**shift, rounded up and limited to the format of a centre."""
        high = self.spec.mean_format.high
        most = self.spec.mean_format.width - 9  # a root is 2**8 or more: what is shifted further saturates
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
