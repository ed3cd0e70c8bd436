"""The inverse of a 2-D covariance, in the base-2 exponent's unit."""

from __future__ import annotations

from collections.abc import Callable

from amaranth.hdl import Elaboratable, Module, Shape, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.splat.spec import COVARIANCE_FRACTION, COVARIANCE_WIDTH, Spec
from hw.lib.fixed import resize
from hw.lib.paced import in_turn, paced_pipe, turn_port
from hw.lib.pipe import Pipe, Staged
from hw.splat.covariance import covariance_layout

SLOWER = {1: 0, 2: 7, 4: 11, 8: 11, 16: 11}  # cycles, by interval


class Conic(wiring.Component):
    """½·log2(e)·Σ'⁻¹ as three mantissas on one shift; `golden.splat.conic`.

    Latency 18 cycles, one a cycle; 6 multipliers and one look-up. Once in 4 cycles or more: 29 cycles, 3 multipliers,
    for entries come in turn.
    """

    LATENCY = 18

    def __init__(self, *, spec: Spec, interval: int = 1) -> None:
        self.spec, self.interval = spec, interval
        self.latency = self.LATENCY + SLOWER[interval]
        super().__init__(
            {
                **turn_port(interval),
                "i": In(covariance_layout()),  #: Σ'
                #: ½·log2(e)·Σ'⁻¹
                "o": Out(
                    data.StructLayout(
                        {
                            "conic": data.ArrayLayout(signed(spec.mantissa_bits + 1), 3),  #: mantissas of a, b, c
                            "shift": 6,  #: value = mantissa · 2**-shift
                            "positive": 1,  #: the determinant is; if it is not, the rest has no meaning
                        }
                    )
                ),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = paced_pipe(m, platform, self)
        bits, wide = self.spec.mantissa_bits, self.spec.covariance_bits
        cov = {name: p.source(self.i[name], name) for name in ("xx", "xy", "yy")}
        doublings = p.source(self.i.doublings, "doublings")
        largest = p.stage(lambda a, b: a | b, cov["xx"], cov["yy"], name="largest")
        zeros = p.leading_zeros(largest, COVARIANCE_WIDTH, name="zeros")
        entry = self._all_normalised(p, cov, zeros)
        squares, cross = self._products(p, entry)
        determinant = p.stage(lambda a, b: resize(a - b, signed(2 * wide + 1)), squares, cross, name="determinant")
        positive = p.stage(lambda d: d > 0, determinant, name="positive")
        magnitude = Staged(determinant.value[: 2 * wide], determinant.stage, "magnitude")
        mantissa, det_zeros = p.normalise(magnitude, 2 * wide, bits, name="det")
        code = Staged(mantissa.value[: bits - 1], mantissa.stage, "det_code")
        reciprocal = p.linear_table(self.spec.scaled_reciprocal, code, name="reciprocal")

        # The inverse of (xx, xy, yy) is (yy, -xy, xx) / determinant.
        drop = max(wide - bits, 0)
        negated = p.stage(lambda b: -b, entry["xy"], name="xy_negated")
        adjugate = {"a": entry["yy"], "b": negated, "c": entry["xx"]}
        product = self._each(
            p, lambda v, r, name: p.stage(lambda v, r: v.shift_right(drop) * r, v, r, name=f"{name}_product"),
            adjugate, reciprocal, signed(wide + 1),
        )  # fmt: skip
        both = p.stage(lambda a, c: a | c, product["a"], product["c"], name="both")
        conic_zeros = p.leading_zeros(both, 2 * bits, name="conic_zeros")
        if self.interval > 1:  # one of the entries and the reciprocal have no zeros but the highest bits
            conic_zeros = Staged(conic_zeros.value[:3], conic_zeros.stage, conic_zeros.name)
        mantissas = [*self._each(p, lambda *v: self._mantissa(p, *v), product, conic_zeros, None).values()]
        shift = self._shift(p, (zeros, det_zeros, conic_zeros, doublings), drop)
        p.finish(self.o, self.latency, conic=p.join(mantissas, "conic"), shift=shift, positive=positive)
        return m

    def _each(
        self, p: Pipe, function: Callable[..., Staged], items: dict[str, Staged], other: Staged, shape: Shape | None
    ) -> dict[str, Staged]:
        """function(item, other, name) of each, in turn where there are turns; all then have `shape`, if it is one."""
        if self.interval > 1 and shape is not None:
            items = {name: Staged(resize(v.value, shape), v.stage, v.name) for name, v in items.items()}
        made = in_turn(p, function, [(item, other) for item in items.values()], [*items])
        return dict(zip(items, made, strict=True))

    def _all_normalised(self, p: Pipe, cov: dict[str, Staged], zeros: Staged) -> dict[str, Staged]:
        """xx and yy unsigned, xy signed."""
        entry = self._each(
            p, lambda v, z, name: self._normalised(p, v, z, name), cov, zeros, signed(COVARIANCE_WIDTH + 1)
        )
        if self.interval == 1:
            return entry
        bits = self.spec.covariance_bits
        return {
            name: v if name == "xy" else Staged(v.value[:bits].as_unsigned(), v.stage, v.name)
            for name, v in entry.items()
        }

    def _products(self, p: Pipe, entry: dict[str, Staged]) -> tuple[Staged, Staged]:
        """xx·yy and xy·xy."""
        if self.interval == 1:
            squares = p.stage(lambda a, c: a * c, entry["xx"], entry["yy"], name="xx_yy")
            return squares, p.stage(lambda b: b * b, entry["xy"], name="xy_xy")
        shape = signed(self.spec.covariance_bits + 1)
        xx, xy, yy = (Staged(resize(v.value, shape), v.stage, name) for name, v in entry.items())
        made = in_turn(
            p, lambda a, b, name: p.stage(lambda u, v: u * v, a, b, name=name), [(xx, yy), (xy, xy)], ["xx_yy", "xy_xy"]
        )
        return made[0], made[1]

    def _normalised(self, p: Pipe, value: Staged, zeros: Staged, name: str) -> Staged:
        width = len(value.value)
        shifted = p.shift_left(value, zeros, width, name=f"shifted_{name}")
        return Staged(
            shifted.value.shift_right(COVARIANCE_WIDTH - self.spec.covariance_bits), shifted.stage, f"mantissa_{name}"
        )

    def _mantissa(self, p: Pipe, value: Staged, zeros: Staged, name: str) -> Staged:
        bits = self.spec.mantissa_bits
        shape = signed(2 * bits + 1)
        shifted = p.shift_left(
            Staged(resize(value.value, shape), value.stage, value.name), zeros, shape.width, name=f"wide_{name}"
        )
        return Staged(shifted.value.shift_right(bits), shifted.stage, f"conic_{name}")

    def _shift(self, p: Pipe, terms: tuple[Staged, ...], drop: int) -> Staged:
        """The model's -exponent, as one sum of the three zero counts and the doublings."""
        bits, wide = self.spec.mantissa_bits, self.spec.covariance_bits
        unit = COVARIANCE_WIDTH - wide - COVARIANCE_FRACTION  # minus zeros
        constant = -(bits + drop - unit - (2 * bits - 1) - (2 * wide - bits))

        def total(z: Value, d: Value, c: Value, doublings: Value) -> Value:
            return resize(constant + c - d - z + (doublings << 1), unsigned(6))

        return p.stage(total, *terms, name="shift")
