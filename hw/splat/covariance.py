"""EWA projection of a Gaussian: the 2-D covariance in square pixels."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.splat.spec import (
    COVARIANCE_FRACTION,
    COVARIANCE_WIDTH,
    DILATION,
    MAX_DOUBLINGS,
    SCALE_BIAS,
    SUM_WIDTH,
    Spec,
)
from hw.lib.fixed import clip, resize, shape_of, shift_round
from hw.lib.pipe import Pipe, Staged
from hw.lib.tree import add_all, max_all
from hw.splat.depth_key import DEPTH_BITS
from hw.splat.layouts import header_layout
from hw.splat.projection import tangent_layout

ROW = signed(18)  # entries of J·M without the factor f/z: s2.15, then s3.14


def covariance_layout() -> data.StructLayout:
    """xx, xy, yy in px² with 12 fraction bits, times 4**doublings."""
    return data.StructLayout(
        {
            "xx": unsigned(COVARIANCE_WIDTH),  #: variance along x
            "xy": signed(COVARIANCE_WIDTH + 1),  #: covariance of x and y
            "yy": unsigned(COVARIANCE_WIDTH),  #: variance along y
            "doublings": range(MAX_DOUBLINGS + 1),  #: 0 for standard deviations of less than 700 px
        }
    )


class Covariance(wiring.Component):
    """Σ' = J·M·Mᵀ·Jᵀ + 0.3·I; `golden.splat.covariance`.

    Latency 15 cycles, one a cycle; 33 multipliers of up to 18×18.
    """

    latency = 15

    def __init__(self, *, spec: Spec) -> None:
        self.spec = spec
        super().__init__(
            {
                #: a Gaussian's axes and scales, and where it is projected to
                "i": In(
                    data.StructLayout(
                        {
                            #: from `ViewRotation`, row by row
                            "rotation": data.ArrayLayout(shape_of(spec.rotation_format), 9),
                            "scale": data.ArrayLayout(spec.scale_bits, 3),  #: log2 of the scales, as stored
                            "tangent": tangent_layout(spec),  #: from `Projection`, not yet limited
                            "reciprocal": spec.mantissa_bits,  #: mantissa of 1/z …
                            "zeros": range(DEPTH_BITS),  #: … and its exponent, see `Projection`
                        }
                    )
                ),
                "frame": In(header_layout()),  #: the frame's header, constant while the frame is drawn
                "o": Out(covariance_layout()),  #: Σ'
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = Pipe(m, platform)
        scale, exponent = self._scale(p)
        rows = [self._row(p, axis, scale) for axis in range(2)]
        sums, sum_zeros = self._sums(p, rows)
        factors = self._factors(p)
        shift, doublings = self._exponent(p, sum_zeros, exponent)
        result = {name: self._entry(p, sums[name], factors[name], shift, name) for name in ("xx", "xy", "yy")}
        p.finish(self.o, self.latency, **result, doublings=doublings)
        return m

    def _scale(self, p: Pipe) -> tuple[list[Staged], Staged]:
        """Three mantissas u1.16 on the largest exponent, and that exponent."""
        fraction = self.spec.scale_fraction
        codes = [p.source(self.i.scale[k], f"scale_code_{k}") for k in range(3)]
        index = [Staged(c.value[:fraction], 0, f"scale_fraction_{k}") for k, c in enumerate(codes)]
        mantissa = [p.step_table(self.spec.scale_exp2, index[k], name=f"scale_mantissa_{k}") for k in range(3)]
        exponents = [Staged(c.value[fraction:], 0, f"scale_exponent_{k}") for k, c in enumerate(codes)]
        largest = p.stage(lambda *e: max_all(e), *exponents, name="scale_exponent")
        scales: list[Staged] = []
        for k in range(3):
            down = p.stage(lambda a, b: (a - b).as_unsigned()[: len(b)], largest, exponents[k], name=f"scale_down_{k}")
            scales.append(p.shift_right(mantissa[k], down, name=f"scale_{k}"))
        return scales, largest

    def _row(self, p: Pipe, axis: int, scale: list[Staged]) -> list[Staged]:
        """b_k = (V_axis,k - t·V_2,k) · scale_k, s3.14, for the three axes k of the Gaussian."""
        sides = ("left", "right") if axis == 0 else ("top", "bottom")
        width = self.spec.rotation_format.width
        low, high = (self.frame[f"limit_{side}"][:width].as_signed() for side in sides)
        t = p.source(self.i.tangent[axis], f"tangent_{axis}")

        def limited(v: Value) -> Value:
            return Mux(v > high, high, Mux(v < low, low, v))

        tangent = p.stage(limited, t, name=f"limited_{axis}")
        entries: list[Staged] = []
        for k in range(3):
            v0 = p.source(self.i.rotation[3 * axis + k], f"v_{axis}{k}")
            v2 = p.source(self.i.rotation[6 + k], f"v_2{k}_{axis}")
            product = p.parted_product(tangent, v2, name=f"tv_{axis}{k}")
            a = p.stage(
                lambda v, *q: resize(shift_round((v << 16) - add_all(q), 17, "half_up"), ROW),
                v0,
                *product,
                name=f"a_{axis}{k}",
            )
            scaled = p.parted_product(a, scale[k], name=f"scaled_{axis}{k}")
            entries.append(
                p.stage(lambda *x: resize(shift_round(add_all(x), 17, "half_up"), ROW), *scaled, name=f"b_{axis}{k}")
            )
        return entries

    def _sums(self, p: Pipe, rows: list[list[Staged]]) -> tuple[dict[str, Staged], Staged]:
        """Σ_k b_ik·b_jk, normalised together to mantissa_bits, and the leading zeros."""
        bits = self.spec.mantissa_bits
        shapes = {"xx": unsigned(SUM_WIDTH), "xy": signed(SUM_WIDTH + 1), "yy": unsigned(SUM_WIDTH)}
        sums: dict[str, Staged] = {}
        for name, (first, second) in {"xx": (0, 0), "xy": (0, 1), "yy": (1, 1)}.items():
            terms = [
                term
                for k in range(3)
                for term in p.parted_product(rows[first][k], rows[second][k], name=f"bb_{name}{k}")
            ]
            sums[name] = p.stage(lambda *t, s=shapes[name]: resize(add_all(t), s), *terms, name=f"sum_{name}")
        largest = Staged(sums["xx"].value | sums["yy"].value, sums["xx"].stage, "largest")
        zeros = p.leading_zeros(largest, SUM_WIDTH, name="sum_zeros")
        result: dict[str, Staged] = {}
        for name, total in sums.items():
            shifted = p.shift_left(total, zeros, shapes[name].width, name=f"shifted_{name}")
            result[name] = Staged(shifted.value.shift_right(SUM_WIDTH - bits), shifted.stage, f"mantissa_{name}")
        return result, zeros

    def _factors(self, p: Pipe) -> dict[str, Staged]:
        """(f/z)² for xx, xy, yy, as mantissas."""
        bits = self.spec.mantissa_bits
        reciprocal = p.source(self.i.reciprocal, "reciprocal")
        h: dict[str, Staged] = {}
        for axis in "xy":
            focal = Signal(bits, name=f"focal_{axis}")  # beside the multiplier, a cycle after the frame
            p.m.d.sync += focal.eq(self.frame[f"focal_{axis}"])
            held = p.constant(focal, f"focal_{axis}")
            h[axis] = p.stage(lambda r, f: (r * f).shift_right(bits), reciprocal, held, name=f"h_{axis}")
        return {
            name: p.stage(lambda a, b: (a * b).shift_right(bits), h[name[0]], h[name[1]], name=f"factor_{name}")
            for name in ("xx", "xy", "yy")
        }

    def _exponent(self, p: Pipe, sum_zeros: Staged, scale_exponent: Staged) -> tuple[Staged, Staged]:
        """By how much product · 4 is shifted right: 2 - exponent of the model, kept in 0..42; and the doublings."""
        bits = self.spec.mantissa_bits
        constant = (
            SUM_WIDTH - bits - 28 - 2 * SCALE_BIAS + 3 * bits + 2 * (1 - bits) - 2 * (14 + bits) + COVARIANCE_FRACTION
        )
        zeros = p.source(self.i.zeros, "zeros")
        focal = self.frame.focal_exponent[:4]
        known = p.stage(
            lambda s, z: (2 - constant) - 2 * (s + z) - 2 * focal, scale_exponent, zeros, name="known_shift"
        )
        highest = COVARIANCE_WIDTH - 2 - 2 * bits
        least = 2 - highest
        total = p.stage(lambda k, s: k + s, known, sum_zeros, name="total_shift")
        doublings = p.stage(
            lambda t: resize(clip((least + 1 - t).shift_right(1), 0, MAX_DOUBLINGS), unsigned(4)),
            total,
            name="doublings",
        )
        shift = p.stage(lambda t, d: resize(clip(t + (d << 1), least, 42), unsigned(6)), total, doublings, name="shift")
        return shift, doublings

    def _entry(self, p: Pipe, total: Staged, factor: Staged, shift: Staged, name: str) -> Staged:
        product = p.stage(lambda s, f: (s * f).shift_left(2), total, factor, name=f"product_{name}")
        value = p.shift_right(product, shift, name=f"value_{name}")
        dilation = 0 if name == "xy" else round(DILATION * (1 << COVARIANCE_FRACTION))
        shape = covariance_layout()[name].shape
        return p.stage(lambda v: resize(v + dilation, shape), value, name=f"cov_{name}")
