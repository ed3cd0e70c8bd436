"""View-dependent colour by spherical harmonics."""

from __future__ import annotations

from collections.abc import Callable

from amaranth.hdl import Elaboratable, Module, Mux, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.splat.spec import DIRECTION_FRACTION, Spec
from hw.lib.fixed import resize, saturate, shift_round
from hw.lib.paced import in_turn, paced_pipe, turn_port, turns
from hw.lib.pipe import Pipe, Staged
from hw.lib.tree import add_all
from hw.splat.layouts import vector
from hw.splat.row_layouts import header_layout

MANTISSA = 16  # bits of a coordinate of the view direction before its division by the length
SQUARE = 34  # bits of the squared length
MOST_PAIRS = 2  # of zeros before it
POLYNOMIAL = signed(18)  # s3.14


class Color(wiring.Component):
    """max(0, dc + Σ_k sh_k·P_k(relative/|relative|)); `golden.splat.color`.

    Coefficients above the scene's degree (`frame.sh_degree`) count as zero. With a spec of degree
    0 only the base colour is left. Latency 28 cycles (degree 0: 1), one a cycle; for degree 3
    20 multipliers of 18 bits and 45 of 8×18. Once in 4 cycles or more: 10 cycles later, and a third of most of it, for
    coordinates and channels come in turn.
    """

    def __init__(self, *, spec: Spec, interval: int = 1) -> None:
        self.spec, self.interval = spec, interval
        self.latency = {0: 1, 1: 23, 2: 26, 3: 28}[spec.sh_degree] + (
            3 * turns(3, interval) + (interval > 1) if spec.sh_degree else 0
        )
        rest = spec.rest_coefficients
        inputs = {
            "relative": vector(spec),  #: the centre from the camera along world axes; any length but 0
            "dc": data.ArrayLayout(signed(spec.dc_bits), 3),  #: base colour: red, green, blue
            "exponent": 4,  #: block exponent of `sh`
            "sh": data.ArrayLayout(signed(spec.sh_bits), 3 * rest),  #: red, green, blue of each coefficient in turn
        }
        super().__init__(
            {
                **turn_port(interval),
                "i": In(data.StructLayout(inputs)),  #: a candidate's direction and coefficients
                "frame": In(header_layout()),  #: the frame's header, constant while the frame is drawn
                #: red, green, blue in color_format
                "o": Out(data.StructLayout({"color": data.ArrayLayout(spec.color_format.width, 3)})),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = paced_pipe(m, platform, self)
        spec = self.spec
        up = spec.dc_fraction - spec.color_fraction
        base = [Staged(shift_round(self.i.dc[c], up, "half_up"), 0, f"base_{name}") for c, name in enumerate("rgb")]
        if spec.rest_coefficients == 0:
            colors = [p.stage(lambda b: saturate(b, spec.color_format), b, name=b.name) for b in base]
        else:
            polynomials = self._polynomials(p, self._direction(p))
            colors = self._channels(p, base, polynomials)
        p.finish(self.o, self.latency, color=p.join(colors, "color"))
        return m

    def _direction(self, p: Pipe) -> list[Staged]:
        """relative / |relative|, s1.14: 10 cycles."""
        width = self.spec.camera_format.width + 1
        relative = [p.source(self.i.relative[k], name) for k, name in enumerate("xyz")]
        size = [p.stage(lambda v: Mux(v < 0, -v, v)[: width - 1], v, name=f"size_{v.name}") for v in relative]
        either = p.stage(lambda a, b, c: a | b | c, *size, name="either")
        zeros = p.leading_zeros(either, width, name="zeros")

        def normalised(v: Staged, zeros: Staged, name: str) -> tuple[Staged, Staged]:
            """A coordinate's mantissa, and its square."""
            wide = Staged(resize(v.value, signed(width + 1)), v.stage, v.name)
            shifted = p.shift_left(wide, zeros, width + 1, name=f"shifted_{name}")
            top = Staged(shifted.value.shift_right(width - MANTISSA), shifted.stage, f"mantissa_{name}")
            return top, p.stage(lambda v: v * v, top, name=f"square_{name}")

        mantissa, squares = zip(*in_turn(p, normalised, [(v, zeros) for v in relative], "xyz"), strict=True)
        total = p.stage(lambda *s: resize(add_all(s), unsigned(SQUARE)), *squares, name="square")
        top = p.leading_zeros(total, SQUARE, name="square_zeros")
        pairs = Staged(top.value[1:], top.stage, "zero_pairs")  # the square's exponent stays even
        even = Staged(top.value[1:].shift_left(1), top.stage, "even_zeros")
        if self.interval > 1:  # see below: shifts that never come are left out
            even = Staged(even.value[:3], even.stage, even.name)
        code = p.shift_left(total, even, SQUARE, name="code")
        root = p.linear_table(
            self.spec.reciprocal_sqrt, Staged(code.value.shift_right(SQUARE - 16), code.stage, "root_code"), name="root"
        )
        # The shift is 32 - DIRECTION_FRACTION - pairs, and pairs is 0 to 2: the square of a
        # normalised mantissa has 31 to 34 bits (fewer only for a zero vector).
        down = 32 - DIRECTION_FRACTION
        before = down - MOST_PAIRS - 1 if self.interval > 1 else 0  # by which all are shifted right
        bits = (down - before).bit_length()
        shift = p.stage(lambda z: resize(down - before - z, unsigned(bits)), pairs, name="direction_shift")

        def direction(v: Staged, root: Staged, shift: Staged, name: str) -> Staged:
            product = p.stage(lambda v, r: (v * r).shift_right(before), v, root, name=f"unit_{name}")
            return p.shift_right_half_up(product, shift, name=f"direction_{name}")

        return in_turn(p, direction, [(v, root, shift) for v in mantissa], "xyz")

    def _polynomials(self, p: Pipe, n: list[Staged]) -> list[Staged]:
        """Bands 1 to 3 without their constants, in the order of the coefficients."""
        x, y, z = (Staged(resize(v.value, POLYNOMIAL), v.stage, v.name) for v in n)

        def product(a: Staged, b: Staged, name: str) -> Staged:
            return p.stage(
                lambda *t: resize(shift_round(add_all(t), DIRECTION_FRACTION, "half_up"), POLYNOMIAL),
                *p.parted_product(a, b, name=name),
                name=name,
            )

        def combine(function: Callable[..., Value], *items: Staged, name: str) -> Staged:
            return p.stage(lambda *v: resize(function(*v), POLYNOMIAL), *items, name=name)

        result = [y, z, x]
        if self.spec.sh_degree >= 2:
            xx, yy, zz = product(x, x, "xx"), product(y, y, "yy"), product(z, z, "zz")
            xy, yz, xz = product(x, y, "xy"), product(y, z, "yz"), product(x, z, "xz")
            band2 = combine(lambda a, b, c: 2 * c - a - b, xx, yy, zz, name="p6")
            xx_yy = combine(lambda a, b: a - b, xx, yy, name="xx_yy")
            result += [xy, yz, band2, xz, xx_yy]
            if self.spec.sh_degree >= 3:
                y9 = combine(lambda a, b: 3 * a - b, xx, yy, name="xx3_yy")
                z4 = combine(lambda a, b, c: 4 * c - a - b, xx, yy, zz, name="zz4_xx_yy")
                z12 = combine(lambda a, b, c: 2 * c - 3 * a - 3 * b, xx, yy, zz, name="zz2_xx3_yy3")
                x15 = combine(lambda a, b: a - 3 * b, xx, yy, name="xx_yy3")
                factors = [(y, y9), (xy, z), (y, z4), (z, z12), (x, z4), (z, xx_yy), (x, x15)]
                result += [product(a, b, f"p{9 + k}") for k, (a, b) in enumerate(factors)]
        return result

    def _channels(self, p: Pipe, base: list[Staged], polynomials: list[Staged]) -> list[Staged]:
        """Colour channels: the dot product, its block exponent, the base, the limits."""
        spec = self.spec
        lowest = DIRECTION_FRACTION + spec.sh_bits - 1 - spec.color_fraction - 3
        down = p.stage(lambda e: resize(e + lowest, unsigned(5)), p.source(self.i.exponent, "exponent"), name="down")

        def channel(base: Staged, down: Staged, *rest: Staged) -> Staged:
            *codes, name = rest
            return self._channel(p, base, down, codes[: len(polynomials)], codes[len(polynomials) :], name)

        codes = [
            [p.source(self.i.sh[3 * k + c], f"sh_{k}_{name}") for k in range(len(polynomials))]
            for c, name in enumerate("rgb")
        ]
        sets = [(base[c], down, *codes[c], *polynomials) for c in range(3)]
        return in_turn(p, channel, sets, "rgb")

    def _channel(
        self, p: Pipe, base: Staged, down: Staged, codes: list[Staged], polynomials: list[Staged], name: str
    ) -> Staged:
        spec = self.spec
        terms: list[Staged] = []
        for k, (polynomial, given) in enumerate(zip(polynomials, codes, strict=True)):
            band = 1 + (k >= 3) + (k >= 8)
            code = p.stage(
                lambda v, band=band: Mux(self.frame.sh_degree[:2] >= band, v, 0), given, name=f"coefficient_{k}_{name}"
            )
            terms.append(p.stage(lambda v, c: v * c, polynomial, code, name=f"term_{k}_{name}"))
        groups = [terms[k : k + 4] for k in range(0, len(terms), 4)]
        partial = [p.stage(lambda *t: add_all(t), *g, name=f"partial_{k}_{name}") for k, g in enumerate(groups)]
        total = p.stage(lambda *t: add_all(t), *partial, name=f"total_{name}")
        scaled = p.shift_right_half_up(total, down, name=f"scaled_{name}")
        return p.stage(lambda s, b: saturate(s + b, spec.color_format), scaled, base, name=f"color_{name}")
