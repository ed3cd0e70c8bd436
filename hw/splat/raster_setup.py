"""Moves a splat's quadratic form to the first pixel of a sub-tile."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Shape, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.splat.spec import FAR, GUARD_BITS, Spec
from hw.lib.fixed import resize, shape_of, shift_round
from hw.lib.paced import in_turn, paced_pipe, turn_port
from hw.lib.payloads import SplatLayout
from hw.lib.pipe import Pipe, Staged
from hw.lib.tree import add_all

SLOWER = {1: 0, 2: 4, 4: 6}  # cycles, by interval


def cross_factors(spec: Spec) -> list[int]:
    """The different products x·y of pixel numbers within a sub-tile, ascending."""
    return sorted({x * y for x in range(spec.subtile) for y in range(spec.subtile)})


class PowerTermsLayout(data.StructLayout):
    """p(x, y) = row[y] + column[x] + cross[x·y] is -log2(alpha) of pixel (x, y); none is drawn if `far`."""

    def __init__(self, spec: Spec) -> None:
        power = shape_of(spec.power_format)
        super().__init__(
            {
                "row": data.ArrayLayout(power, spec.subtile),  #: by y
                "column": data.ArrayLayout(power, spec.subtile),  #: by x
                "cross": data.ArrayLayout(power, len(cross_factors(spec))),  #: in the order of `cross_factors`
                "far": 1,  #: the sums may have overflowed, and no pixel is drawn
                **_bend(spec),
            }
        )


def _bend(spec: Spec) -> dict[str, Shape]:
    if spec.alpha_check != "quad_centre":
        return {}
    return {
        "bend": shape_of(
            spec.power_format
        ),  #: what p at a 2×2 block's first and last pixel exceeds twice its centre by
    }


class RasterSetup(wiring.Component):
    """Coefficients for all lanes of one splat on one sub-tile; `golden.splat.raster_setup.setup`.

    The lanes need no multiplier for the exponent: with g the gradient at the first pixel,
    column[x] = x·g_x + x²·a, row[y] = start + y·g_y + y²·c, cross[k] = 2·k·b. Latency 10 cycles,
    one a cycle; 8 multipliers of 18×18. Once in 4 cycles: 16 cycles, 3 multipliers, for what is done alike comes in
    turn.
    """

    LATENCY = 10

    def __init__(self, *, spec: Spec, interval: int = 1) -> None:
        self.spec, self.interval = spec, interval
        self.latency = self.LATENCY + SLOWER[interval]
        place = range(spec.columns)
        super().__init__(
            {
                **turn_port(interval),
                #: a splat, and column and row of a sub-tile
                "i": In(data.StructLayout({"splat": SplatLayout(spec), "column": place, "row": place})),
                "o": Out(PowerTermsLayout(spec)),  #: of the splat on that sub-tile
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = paced_pipe(m, platform, self)
        spec = self.spec
        splat = self.i.splat
        dx = self._distance(p, "column", 0)
        dy = self._distance(p, "row", 1)
        a, b, c = (p.source(splat.conic[k], name) for k, name in enumerate("abc"))
        pairs = {"a_dx": (a, dx), "b_dy": (b, dy), "b_dx": (b, dx), "c_dy": (c, dy)}
        made = in_turn(p, lambda u, v, name: tuple(p.parted_product(u, v, name=name)), [*pairs.values()], [*pairs])
        product = dict(zip(pairs, made, strict=True))
        # One mantissa is below 2**mantissa_bits and the other not above it: the sum has no carry.
        total = signed(spec.mantissa_bits + len(dx.value) + 1)

        def gradient(*terms: Value) -> Value:
            return resize(add_all(terms), total)

        u = p.stage(gradient, *product["a_dx"], *product["b_dy"], name="u")
        v = p.stage(gradient, *product["b_dx"], *product["c_dy"], name="v")

        def along(gradient: Staged, d: Staged, name: str) -> Staged:
            return p.stage(lambda *t: add_all(t), *p.parted_product(gradient, d, name=name), name=name)

        form = p.stage(
            lambda s, t: s + t, *in_turn(p, along, [(u, dx), (v, dy)], ["dx_u", "dy_v"]), name="form"
        )  # fmt: skip
        fraction, screen = spec.power_fraction, spec.screen_fraction
        fine = fraction + GUARD_BITS
        start = self._scaled(p, form, self._shift(2 * screen - fraction, "start", exponents=2), "start")
        opacity = Staged(shift_round(splat.opacity, spec.opacity_fraction - fraction, "half_up"), 0, "opacity")
        begin = p.stage(lambda s, o: s + o, start, opacity, name="begin")
        power = shape_of(spec.power_format)
        far = p.stage(lambda s: (s >> fraction + FAR).any() & ~(s >> fraction + FAR).all(), begin, name="far")

        # Twice b, not a shift less: that could be 0 with the narrowest mantissas.
        b2 = Staged(b.value.shift_left(1), b.stage, "b2")
        gx, gy = self._all_scaled(p, {"gx": u, "gy": v}, screen - fine - 1, exponents=1)
        fine_a, fine_c, fine_b2 = self._all_scaled(p, {"fine_a": a, "fine_c": c, "fine_b2": b2}, -fine)
        column = self._steps(p, gx, fine_a, "column")
        row = [
            p.stage(lambda s, t: resize(s + t, power), step, begin, name=f"row_{k}")
            for k, step in enumerate(self._steps(p, gy, fine_c, "row_step"))
        ]
        cross = [
            p.stage(lambda t, k=k: resize(shift_round(t * k, GUARD_BITS, "half_up"), power), fine_b2, name=f"cross_{k}")
            for k in cross_factors(spec)
        ]
        bend = {"bend": self._bend(p, fine_a, fine_b2, fine_c)} if "bend" in self.o.shape().members else {}
        columns = [Staged(resize(s.value, power), s.stage, s.name) for s in column]
        p.finish(
            self.o,
            self.latency,
            row=p.join(row, "row"),
            column=p.join(columns, "column"),
            cross=p.join(cross, "cross"),
            far=far,
            **bend,
        )
        return m

    def _bend(self, p: Pipe, a: Staged, b2: Staged, c: Staged) -> Staged:
        """(a + 2·b + c)/2 without the guard bits; 2 cycles."""
        ends = p.stage(lambda u, v: u + v, a, c, name="bend_ends")
        power = shape_of(self.spec.power_format)
        return p.stage(lambda u, v: resize(shift_round(u + v, GUARD_BITS + 1, "half_up"), power), ends, b2, name="bend")

    def _distance(self, p: Pipe, place: str, axis: int) -> Staged:
        """First pixel centre of the sub-tile minus the splat's centre, in the centre's unit."""
        spec = self.spec
        half = 1 << (spec.screen_fraction - 1)
        log2_size = (spec.subtile << spec.screen_fraction).bit_length() - 1

        def distance(number: Value, mean: Value, exponent: Value) -> Value:
            return ((number.shift_left(log2_size) | half) >> exponent) - mean

        splat = self.i.splat
        mean, exponent = p.source(splat.mean[axis], f"mean_{axis}"), p.source(splat.mean_exponent, "mean_exponent")
        return p.stage(distance, p.source(self.i[place], place), mean, exponent, name=f"d_{'xy'[axis]}")

    def _shift(self, offset: int, name: str, *, exponents: int = 0) -> Staged:
        """conic_shift + offset - exponents·mean_exponent; the spec keeps that above 0."""
        splat = self.i.splat
        total = splat.conic_shift + offset - exponents * splat.mean_exponent
        return Staged(total[:7].as_unsigned(), 0, f"{name}_shift")

    def _all_scaled(self, p: Pipe, items: dict[str, Staged], offset: int, *, exponents: int = 0) -> list[Staged]:
        """Values by one `_shift`, in turn where there are turns; all then as wide as the last."""
        if self.interval > 1:
            shape = Value.cast([*items.values()][-1].value).shape()
            items = {name: Staged(resize(v.value, shape), v.stage, v.name) for name, v in items.items()}
        sets = [(item, self._shift(offset, name, exponents=exponents)) for name, item in items.items()]
        return in_turn(p, lambda *operands: self._scaled(p, *operands), sets, [*items])

    def _scaled(self, p: Pipe, value: Staged, shift: Staged, name: str) -> Staged:
        """value / 2**shift, rounded half up."""
        amount = p.stage(lambda s: s, shift, name=f"{name}_amount")
        return p.shift_right_half_up(value, amount, name=name)

    def _steps(self, p: Pipe, gradient: Staged, curvature: Staged, name: str) -> list[Staged]:
        """k·g + k²·q for every pixel number k, without the guard bits: 2 cycles."""
        result: list[Staged] = []
        for k in range(self.spec.subtile):
            linear = p.stage(lambda g, k=k: g * k, gradient, name=f"{name}_linear_{k}")
            square = p.stage(lambda q, k=k: q * (k * k), curvature, name=f"{name}_square_{k}")
            result.append(
                p.stage(lambda s, t: shift_round(s + t, GUARD_BITS, "half_up"), linear, square, name=f"{name}_{k}")
            )
        return result
