"""Perspective division: the centre on the image, and what the covariance needs of it."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.splat.spec import Spec
from hw.lib.fixed import clip, resize, saturate, shape_of, shift_round, wrap
from hw.lib.pipe import Pipe, Staged
from hw.splat.depth_key import DEPTH_BITS
from hw.splat.layouts import header_layout, vector


def tangent_layout(spec: Spec) -> data.ArrayLayout:
    """x/z and y/z."""
    return data.ArrayLayout(shape_of(spec.rotation_format), 2)


class Projection(wiring.Component):
    """tangent = (x/z, y/z), mean = focal · tangent + centre; `golden.splat.projection`.

    1/z = reciprocal · 2**(zeros - 14 - mantissa_bits). `valid` says that both tangents are below 2
    in size and the mean fits its format. Latency 16 cycles, one a cycle.
    """

    latency = 16

    def __init__(self, *, spec: Spec) -> None:
        self.spec = spec
        mean = shape_of(spec.mean_format)
        super().__init__(
            {
                #: a centre in camera space, and the principal point from the group's corner
                "i": In(data.StructLayout({"point": vector(spec), "centre_x": mean, "centre_y": mean})),
                "frame": In(header_layout()),  #: the frame's header, constant while the frame is drawn
                #: the centre on the image, and what the covariance needs
                "o": Out(
                    data.StructLayout(
                        {
                            "tangent": tangent_layout(spec),  #: 0 where it would be 2 or more
                            "reciprocal": spec.mantissa_bits,  #: mantissa of 1/z
                            "zeros": range(DEPTH_BITS),  #: leading zeros of z, the exponent of 1/z
                            "mean": data.ArrayLayout(mean, 2),  #: from the group's corner; wraps around unless `valid`
                            "valid": 1,  #: both tangents are below 2 in size, and the mean fits its format
                        }
                    )
                ),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = Pipe(m, platform)
        bits = self.spec.mantissa_bits
        x, y, z = (p.source(self.i.point[k], name) for k, name in enumerate("xyz"))
        mantissa, zeros = p.normalise(z, DEPTH_BITS, bits, name="depth")
        code = Staged(mantissa.value[: bits - 1], mantissa.stage, "depth_code")
        quotient = p.linear_table(self.spec.reciprocal, code, name="quotient")
        reciprocal = p.stage(lambda q: clip(q, 0, (1 << bits) - 1)[:bits], quotient, name="reciprocal")

        inside = p.stage(lambda *v: self._in_front(*v), x, y, z, name="inside")
        means: list[Staged] = []
        tangents: list[Staged] = []
        for axis, value in (("x", x), ("y", y)):
            tangent = self._tangent(p, value, inside, zeros, reciprocal, axis)
            tangents.append(tangent)
            means.append(self._mean(p, tangent, axis))
        fits = p.stage(lambda a, b: self._fits(a) & self._fits(b), *means, name="fits")
        mean_format = self.spec.mean_format
        valid = p.stage(lambda a, b: a & b, fits, inside, name="valid")
        p.finish(
            self.o,
            self.latency,
            tangent=p.join(tangents, "tangent"),
            reciprocal=reciprocal,
            zeros=zeros,
            mean=p.join([Staged(wrap(v.value, mean_format), v.stage, v.name) for v in means], "mean"),
            valid=valid,
        )
        return m

    @staticmethod
    def _in_front(x: Value, y: Value, z: Value) -> Value:
        twice = z << 1
        return (x < twice) & (x > -twice) & (y < twice) & (y > -twice)

    def _tangent(self, p: Pipe, value: Staged, inside: Staged, zeros: Staged, reciprocal: Staged, axis: str) -> Staged:
        """value · reciprocal on the depth's scale, 0 where the centre lies outside."""
        bits = self.spec.mantissa_bits
        used = p.stage(lambda v, ok: Mux(ok, v, 0), value, inside, name=f"used_{axis}")
        wide = DEPTH_BITS + 3  # |value| < 2z, shifted as z is
        shifted = p.shift_left(
            Staged(resize(used.value, signed(wide)), used.stage, used.name), zeros, wide, name=f"shifted_{axis}"
        )
        scaled = Staged(shifted.value.shift_right(32 - bits), shifted.stage, f"scaled_{axis}")
        product = p.stage(lambda a, b: a * b, scaled, reciprocal, name=f"product_{axis}")
        fmt = self.spec.rotation_format
        return p.stage(
            lambda v: saturate(shift_round(v, 2 * bits - 18, "half_up"), fmt), product, name=f"tangent_{axis}"
        )

    def _mean(self, p: Pipe, tangent: Staged, axis: str) -> Staged:
        """focal · tangent + centre, before its fit is known."""
        spec = self.spec
        focal = self.frame[f"focal_{axis}"][: spec.mantissa_bits]
        scaled = p.stage(lambda t: t * focal, tangent, name=f"focal_product_{axis}")
        base = spec.rotation_format.fraction + spec.mantissa_bits - 1 - spec.screen_fraction
        shift = p.constant(resize(base - self.frame.focal_exponent[:4], unsigned(base.bit_length())), "mean_shift")
        offset = p.shift_right_half_up(scaled, shift, name=f"offset_{axis}")
        return p.stage(
            lambda o, c: o + c, offset, p.source(self.i[f"centre_{axis}"], f"centre_{axis}"), name=f"mean_{axis}"
        )

    def _fits(self, mean: Value) -> Value:
        fmt = self.spec.mean_format
        return (mean >= fmt.low) & (mean <= fmt.high)
