"""EWA projection of a Gaussian: the 2-D covariance in square pixels."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Const, Elaboratable, Module, Mux, Signal, Value, signed, unsigned
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
from hw.lib.paced import in_turn, paced_pipe, turn_port
from hw.lib.pipe import Pipe, Staged
from hw.lib.tree import add_all, max_all
from hw.splat.depth_key import DEPTH_BITS
from hw.splat.projection import tangent_layout
from hw.splat.row_layouts import header_layout

SLOWER = {1: 0, 2: 13, 4: 19, 8: 21, 16: 21}  # cycles, by interval: turns, and the wait for what the first turn needs
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

    Latency 15 cycles, one a cycle; 33 multipliers of up to 18×18. Once in 8 cycles: 36 cycles, 9 multipliers, for axes
    and entries come in turn.
    """

    LATENCY = 15

    def __init__(self, *, spec: Spec, interval: int = 1) -> None:
        self.spec, self.interval = spec, interval
        self.latency = self.LATENCY + SLOWER[interval]
        super().__init__(
            {
                **turn_port(interval),
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
        p = paced_pipe(m, platform, self)
        scale, exponent = self._scale(p)
        rows = self._rows(p, scale)
        sums, sum_zeros = self._sums(p, rows)
        factors = self._factors(p)
        shift, doublings = self._exponent(p, sum_zeros, exponent)
        result = self._entries(p, sums, sum_zeros, factors, shift)
        p.finish(self.o, self.latency, **result, doublings=doublings)
        return m

    def _scale(self, p: Pipe) -> tuple[list[Staged], Staged]:
        """Three mantissas u1.16 on the largest exponent, and that exponent."""
        fraction = self.spec.scale_fraction
        codes = [p.source(self.i.scale[k], f"scale_code_{k}") for k in range(3)]
        index = [Staged(c.value[:fraction], 0, f"scale_fraction_{k}") for k, c in enumerate(codes)]
        exponents = [Staged(c.value[fraction:], 0, f"scale_exponent_{k}") for k, c in enumerate(codes)]
        if self.interval > 1:
            largest = p.stage(lambda *e: max_all(e), *exponents, name="scale_exponent")
            sets = [(index[k], exponents[k], largest) for k in range(3)]
            return in_turn(p, lambda *operands: self._one_scale(p, *operands), sets, "012"), largest
        mantissa = [p.step_table(self.spec.scale_exp2, index[k], name=f"scale_mantissa_{k}") for k in range(3)]
        largest = p.stage(lambda *e: max_all(e), *exponents, name="scale_exponent")
        scales: list[Staged] = []
        for k in range(3):
            down = p.stage(lambda a, b: (a - b).as_unsigned()[: len(b)], largest, exponents[k], name=f"scale_down_{k}")
            scales.append(p.shift_right(mantissa[k], down, name=f"scale_{k}"))
        return scales, largest

    def _one_scale(self, p: Pipe, index: Staged, exponent: Staged, largest: Staged, name: str) -> Staged:
        """A mantissa on the largest exponent."""
        mantissa = p.step_table(self.spec.scale_exp2, index, name=f"scale_mantissa_{name}")
        down = p.stage(lambda a, b: (a - b).as_unsigned()[: len(b)], largest, exponent, name=f"scale_down_{name}")
        return p.shift_right(mantissa, down, name=f"scale_{name}")

    def _rows(self, p: Pipe, scale: list[Staged]) -> list[list[Staged]]:
        """b_k = (V_axis,k - t·V_2,k) · scale_k, s3.14, for the three axes k of the Gaussian, in x and in y."""
        width = self.spec.rotation_format.width
        sets: list[tuple[Staged, ...]] = []
        for axis, sides in enumerate((("left", "right"), ("top", "bottom"))):
            low, high = (self.frame[f"limit_{side}"][:width].as_signed() for side in sides)

            def limited(v: Value, low: Value = low, high: Value = high) -> Value:
                return Mux(v > high, high, Mux(v < low, low, v))

            tangent = p.stage(limited, p.source(self.i.tangent[axis], f"tangent_{axis}"), name=f"limited_{axis}")
            for k in range(3):
                v0 = p.source(self.i.rotation[3 * axis + k], f"v_{axis}{k}")
                v2 = p.source(self.i.rotation[6 + k], f"v_2{k}_{axis}")
                sets.append((v0, v2, tangent, scale[k]))
        names = [f"{axis}{k}" for axis in range(2) for k in range(3)]
        entries = in_turn(p, lambda *operands: self._row_entry(p, *operands), sets, names)
        return [entries[:3], entries[3:]]

    def _row_entry(self, p: Pipe, v0: Staged, v2: Staged, tangent: Staged, scale: Staged, name: str) -> Staged:
        product = p.parted_product(tangent, v2, name=f"tv_{name}")
        a = p.stage(
            lambda v, *q: resize(shift_round((v << 16) - add_all(q), 17, "half_up"), ROW),
            v0,
            *product,
            name=f"a_{name}",
        )
        scaled = p.parted_product(a, scale, name=f"scaled_{name}")
        return p.stage(lambda *x: resize(shift_round(add_all(x), 17, "half_up"), ROW), *scaled, name=f"b_{name}")

    def _sums(self, p: Pipe, rows: list[list[Staged]]) -> tuple[dict[str, Staged], Staged]:
        """Σ_k b_ik·b_jk, and the leading zeros of the larger variance."""
        shapes = {"xx": unsigned(SUM_WIDTH), "xy": signed(SUM_WIDTH + 1), "yy": unsigned(SUM_WIDTH)}
        sums: dict[str, Staged] = {}
        pairs = {"xx": (0, 0), "xy": (0, 1), "yy": (1, 1)}
        if self.interval > 1:
            made = in_turn(
                p, lambda *operands: self._sum(p, *operands), [rows[a] + rows[b] for a, b in pairs.values()], [*pairs]
            )
            sums = {
                name: Staged(resize(item.value, shapes[name]), item.stage, name)
                for name, item in zip(pairs, made, strict=True)
            }
            pairs = {}
        for name, (first, second) in pairs.items():
            terms = [
                term
                for k in range(3)
                for term in p.parted_product(rows[first][k], rows[second][k], name=f"bb_{name}{k}")
            ]
            sums[name] = p.stage(lambda *t, s=shapes[name]: resize(add_all(t), s), *terms, name=f"sum_{name}")
        when = max(sums["xx"].stage, sums["yy"].stage)
        largest = Staged(p.at(sums["xx"], when) | p.at(sums["yy"], when), when, "largest")
        zeros = p.leading_zeros(largest, SUM_WIDTH, name="sum_zeros")
        return sums, zeros

    def _sum(self, p: Pipe, *operands: Any) -> Staged:
        """A dot product, as wide as the mixed one."""
        *rows, name = operands
        terms = [term for k in range(3) for term in p.parted_product(rows[k], rows[3 + k], name=f"bb_{name}{k}")]
        return p.stage(lambda *t: resize(add_all(t), signed(SUM_WIDTH + 1)), *terms, name=f"sum_{name}")

    def _factors(self, p: Pipe) -> dict[str, Staged]:
        """(f/z)² for xx, xy, yy, as mantissas."""
        bits = self.spec.mantissa_bits
        # The focal lengths wait beside their multipliers, the reciprocal with them.
        reciprocal = p.stage(lambda v: v, p.source(self.i.reciprocal, "z_mantissa"), name="reciprocal")
        h: dict[str, Staged] = {}
        for axis in "xy":
            focal = Signal(bits, name=f"focal_{axis}")
            p.m.d.sync += focal.eq(self.frame[f"focal_{axis}"])
            held = p.constant(focal, f"focal_{axis}")
            h[axis] = p.stage(lambda r, f: (r * f).shift_right(bits), reciprocal, held, name=f"h_{axis}")
        names = ("xx", "xy", "yy")

        def factor(a: Staged, b: Staged, name: str) -> Staged:
            return p.stage(lambda a, b: (a * b).shift_right(bits), a, b, name=f"factor_{name}")

        made = in_turn(p, factor, [(h[name[0]], h[name[1]]) for name in names], names)
        return dict(zip(names, made, strict=True))

    def _exponent(self, p: Pipe, sum_zeros: Staged, scale_exponent: Staged) -> tuple[Staged, Staged]:
        """By how much product · 2**up is shifted right: up - exponent of the model, at most 63; and the doublings."""
        bits, up = self.spec.mantissa_bits, self._up()
        constant = (
            SUM_WIDTH - bits - 28 - 2 * SCALE_BIAS + 3 * bits + 2 * (1 - bits) - 2 * (14 + bits) + COVARIANCE_FRACTION
        )
        zeros = p.source(self.i.zeros, "zeros")
        focal = self.frame.focal_exponent[:4]
        known = p.stage(
            lambda s, z: (up - constant) - 2 * (s + z) - 2 * focal, scale_exponent, zeros, name="known_shift"
        )
        least = up - (COVARIANCE_WIDTH - 2 - 2 * bits)
        total = p.stage(lambda k, s: k + s, known, sum_zeros, name="total_shift")
        doublings = p.stage(
            lambda t: resize(clip((least + 1 - t).shift_right(1), 0, MAX_DOUBLINGS), unsigned(4)),
            total,
            name="doublings",
        )
        shift = p.stage(
            lambda t, d: resize(clip(t + (d << 1), least, up + 40), unsigned(6)), total, doublings, name="shift"
        )
        return shift, doublings

    def _up(self) -> int:
        """Bits that a product is shifted up, so that all shifts are to the right."""
        return max(2, COVARIANCE_WIDTH - 2 - 2 * self.spec.mantissa_bits)

    def _entries(
        self, p: Pipe, sums: dict[str, Staged], zeros: Staged, factors: dict[str, Staged], shift: Staged
    ) -> dict[str, Staged]:
        """Sums on a common exponent times their factors, and the dilation."""
        layout = covariance_layout()
        dilation = round(DILATION * (1 << COVARIANCE_FRACTION))
        wide = signed(SUM_WIDTH + 1)

        def entry(total: Staged, factor: Staged, zeros: Staged, shift: Staged, mixed: Staged, name: str) -> Staged:
            value = self._scaled(p, total, zeros, factor, shift, name)
            return p.stage(
                lambda v, m: resize(v + Mux(m, 0, dilation), layout["xy"].shape), value, mixed, name=f"cov_{name}"
            )

        if self.interval > 1:  # all as wide as the mixed one
            sets = [
                (
                    Staged(resize(sums[name].value, wide), sums[name].stage, name),
                    factors[name],
                    zeros,
                    shift,
                    p.constant(Const(name == "xy", 1), f"mixed_{name}"),
                )
                for name in sums
            ]
            made = in_turn(p, entry, sets, [*sums])
            return {
                name: Staged(resize(item.value, layout[name].shape), item.stage, name)
                for name, item in zip(sums, made, strict=True)
            }
        result: dict[str, Staged] = {}
        for name, total in sums.items():
            value = self._scaled(p, total, zeros, factors[name], shift, name)
            more = 0 if name == "xy" else dilation
            result[name] = p.stage(
                lambda v, more=more, name=name: resize(v + more, layout[name].shape), value, name=f"cov_{name}"
            )
        return result

    def _scaled(self, p: Pipe, total: Staged, zeros: Staged, factor: Staged, shift: Staged, name: str) -> Staged:
        """A sum, normalised to mantissa_bits, times its factor."""
        shifted = p.shift_left(total, zeros, len(total.value), name=f"shifted_{name}")
        down, up = SUM_WIDTH - self.spec.mantissa_bits, self._up()
        mantissa = Staged(shifted.value.shift_right(down), shifted.stage, f"mantissa_{name}")
        product = p.stage(lambda s, f: (s * f).shift_left(up), mantissa, factor, name=f"product_{name}")
        return p.shift_right(product, shift, name=f"value_{name}")
