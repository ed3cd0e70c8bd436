"""Pipelined conversion of a single to a clipped fixed-point code."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Mux, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.float_format import SINGLE
from hw.lib.fixed import resize
from hw.lib.float_parts import parts_of, shift_sticky
from hw.lib.pipe import Pipe

SHIFT = signed(10)
BELOW = 2  # bits below the last place: half and sticky


class FloatToCode(wiring.Component):
    """code = clip(round_half_even(x · 2**shift), -limit, limit); equals `golden.floats.to_code`.

    NaN gives 0, an infinity clips. Subnormal x count as 0, which is what they round to for shift <= 125.
    Latency 4 cycles (distance, shift, round, clip), throughput one a cycle.

    Raises:
        ValueError: `bits` lies outside 8 to 18.
    """

    latency = 4

    def __init__(self, *, bits: int) -> None:
        if not 8 <= bits <= 18:
            raise ValueError(f"FloatToCode: bits must lie in 8..18, it is {bits}")
        self.bits = bits
        i = data.StructLayout(
            {
                "x": SINGLE.width,  #: code of a single
                "shift": SHIFT,  #: power of two that it is multiplied by
                "limit": bits - 1,  #: largest magnitude of the result
            }
        )
        o = data.StructLayout(
            {
                "code": signed(bits),  #: the rounded and clipped value
                "clipped": 1,  #: the rounded value lay beyond the limit
            }
        )
        super().__init__(
            {
                "i": In(i),  #: a single and how to quantise it
                "o": Out(o),  #: its code
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = Pipe(m, platform)
        bits = self.bits
        x, shift, limit = (p.source(self.i[name], name) for name in ("x", "shift", "limit"))

        # Shifted down by `least` only, a normal significand has `bits` bits: beyond every limit.
        least = SINGLE.mantissa + 1 - bits
        drop = least - BELOW

        def top(v: Value) -> Value:
            """The significand's high bits and what the least shift keeps below them; 0 for what gives 0."""
            parts = parts_of(v, SINGLE)
            s = parts.significand
            return Mux(parts.nan | ~s[-1], 0, Cat(s[: drop + 1].any(), s[drop + 1 :]))

        def distance(v: Value, k: Value) -> Value:
            return (SINGLE.mantissa + SINGLE.bias - least) - parts_of(v, SINGLE).exponent - k

        significand = p.stage(top, x, name="significand")
        far = p.stage(distance, x, shift, name="far")
        reach = (bits + BELOW).bit_length()

        def shifted(s: Value, f: Value) -> Value:
            near = Mux(f[reach:-1].any(), (1 << reach) - 1, f[:reach])
            return shift_sticky(s, Mux(f[-1], 0, near)[:reach])

        aligned = p.stage(shifted, significand, far, name="aligned")
        wide = unsigned(bits + 1)  # a carry above the significand
        rounded = p.stage(lambda s: resize(s[BELOW:] + (s[1] & (s[0] | s[BELOW])), wide), aligned, name="rounded")
        infinite = p.stage(lambda v: parts_of(v, SINGLE).infinite, x, name="infinite")
        sign = p.stage(lambda v: v[-1], x, name="sign")

        def clip(r: Value, n: Value, most: Value, s: Value) -> Value:
            beyond = n | (r > most)
            size = Mux(beyond, most, r)[: bits - 1]
            return Cat(resize(Mux(s, -size, size), signed(bits)), beyond)

        clipped = p.stage(clip, rounded, infinite, limit, sign, name="clipped")
        p.finish(
            self.o,
            self.latency,
            code=p.source(clipped.value[:bits], "code", clipped.stage),
            clipped=p.source(clipped.value[-1], "beyond", clipped.stage),
        )
        return m
