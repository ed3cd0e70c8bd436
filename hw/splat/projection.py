"""Perspective division: the centre on the image, and what the covariance needs of it."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.formats import Format
from golden.splat.spec import QUOTIENT_BITS, Spec
from hw.lib.fixed import clip, saturate, shape_of, shift_round, wrap
from hw.lib.leading_zeros import leading_zeros
from hw.lib.paced import in_turn, paced_pipe, turn_port
from hw.lib.pipe import Pipe, Staged
from hw.splat.depth_key import DEPTH_BITS
from hw.splat.layouts import vector
from hw.splat.row_layouts import header_layout

SLOWER = {1: 0, 2: 6, 4: 6, 8: 6, 16: 6}  # cycles, by interval: the turns, and the wait for what the first turn needs


def tangent_layout(spec: Spec) -> data.ArrayLayout:
    """x/z and y/z."""
    return data.ArrayLayout(shape_of(spec.rotation_format), 2)


class Projection(wiring.Component):
    """tangent = (x/z, y/z), mean = focal · tangent + centre; `golden.splat.projection`.

    1/z = reciprocal · 2**(zeros - 14 - mantissa_bits). x, y and z are normalised each by itself. Latency
    18 cycles, one a cycle; 5 multipliers. Once in 2 cycles or more: 24 cycles, 3 multipliers, for x and y come in turn.
    """

    LATENCY = 18

    def __init__(self, *, spec: Spec, interval: int = 1) -> None:
        self.spec, self.interval = spec, interval
        self.latency = self.LATENCY + SLOWER[interval]
        mean = shape_of(spec.mean_format)
        super().__init__(
            {
                **turn_port(interval),
                #: a centre in camera space, and the principal point from the group's corner
                "i": In(data.StructLayout({"point": vector(spec), "centre_x": mean, "centre_y": mean})),
                "frame": In(header_layout()),  #: the frame's header, constant while the frame is drawn
                #: the centre on the image, and what the covariance needs
                "o": Out(
                    data.StructLayout(
                        {
                            "tangent": tangent_layout(spec),  #: the nearest that it holds
                            "reciprocal": spec.mantissa_bits,  #: mantissa of 1/z
                            "zeros": range(DEPTH_BITS),  #: leading zeros of z, the exponent of 1/z
                            "mean": data.ArrayLayout(mean, 2),  #: from the group's corner, the nearest that it holds
                            "centre": data.ArrayLayout(shape_of(spec.centre_format), 2),  #: the same, cut, …
                            "exponent": range(spec.furthest + 1),  #: … in 2**exponent screen units
                        }
                    )
                ),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = paced_pipe(m, platform, self)
        bits = self.spec.mantissa_bits
        mantissa, zeros = p.normalise(p.source(self.i.point[2], "z"), DEPTH_BITS, bits + 1, name="depth")
        code = Staged(mantissa.value[:bits], mantissa.stage, "depth_code")
        fraction = p.linear_table(self.spec.reciprocal, code, name="inverse")
        reciprocal = p.stage(lambda q: clip(q, 0, (1 << bits) - 1)[:bits], fraction, name="reciprocal")

        def projected(
            value: Staged, zeros: Staged, reciprocal: Staged, focal: Staged, centre: Staged, axis: str
        ) -> tuple[Staged, Staged]:
            quotient, below = self._quotient(p, value, zeros, reciprocal, axis)
            return self._tangent(p, quotient, below, axis), self._mean(p, quotient, below, focal, centre, axis)

        sets = [
            (
                p.source(self.i.point[k], axis), zeros, reciprocal,
                p.constant(self.frame[f"focal_{axis}"][:bits], f"focal_{axis}"),
                p.source(self.i[f"centre_{axis}"], f"centre_{axis}"),
            )
            for k, axis in enumerate("xy")
        ]  # fmt: skip
        tangents, means = (list(found) for found in zip(*in_turn(p, projected, sets, "xy"), strict=True))
        centre, exponent = self._centre(p, means)
        p.finish(
            self.o,
            self.latency,
            tangent=p.join(tangents, "tangent"),
            reciprocal=reciprocal,
            zeros=zeros,
            mean=p.join(means, "mean"),
            centre=centre,
            exponent=exponent,
        )
        return m

    def _quotient(self, p: Pipe, value: Staged, zeros: Staged, reciprocal: Staged, axis: str) -> tuple[Staged, Staged]:
        """value/z = quotient · 2**(-16 - below)."""
        bits = self.spec.mantissa_bits
        size = p.stage(lambda v: (v ^ v[-1].replicate(len(v)))[:DEPTH_BITS], value, name=f"size_{axis}")
        own_zeros = p.leading_zeros(size, DEPTH_BITS, name=f"zeros_{axis}")
        shifted = p.shift_left(value, own_zeros, len(value.value), name=f"shifted_{axis}")
        numerator = Staged(shifted.value.shift_right(DEPTH_BITS - 1 - bits), shifted.stage, f"numerator_{axis}")
        product = p.stage(lambda a, b: a * b, numerator, reciprocal, name=f"product_{axis}")
        fmt = Format(QUOTIENT_BITS, 0, signed=True)
        quotient = p.stage(
            lambda v: saturate(shift_round(v, 2 * bits + 2 - QUOTIENT_BITS, "half_up"), fmt),
            product,
            name=f"quotient_{axis}",
        )
        return quotient, p.stage(lambda own, z: own - z, own_zeros, zeros, name=f"below_{axis}")

    def _tangent(self, p: Pipe, quotient: Staged, below: Staged, axis: str) -> Staged:
        """quotient · 2**-below, at most 2**2 times as large: what is shifted further saturates."""
        up = 3  # so that every shift is to the right
        amount = p.stage(lambda b: (clip(b, 1 - up, DEPTH_BITS) + up)[:6], below, name=f"tangent_shift_{axis}")
        raised = Staged(quotient.value.shift_left(up), quotient.stage, f"raised_{axis}")
        wide = p.shift_right_half_up(raised, amount, name=f"wide_{axis}")
        return p.stage(lambda v: saturate(v, self.spec.rotation_format), wide, name=f"tangent_{axis}")

    def _mean(self, p: Pipe, quotient: Staged, below: Staged, focal: Staged, centre: Staged, axis: str) -> Staged:
        """focal · value/z + centre in mean_format."""
        spec = self.spec
        scaled = p.stage(lambda q, f: q * f, quotient, focal, name=f"focal_product_{axis}")
        base = 16 + spec.mantissa_bits - 1 - spec.screen_fraction
        shift = p.stage(lambda b: base - self.frame.focal_exponent[:4] + b, below, name=f"mean_shift_{axis}")
        amount = p.stage(lambda s: Mux(s < 1, 1, s)[:6], shift, name=f"amount_{axis}")
        beyond = p.stage(lambda s: s < 1, shift, name=f"beyond_{axis}")
        offset = p.shift_right_half_up(scaled, amount, name=f"offset_{axis}")
        total = p.stage(lambda o, c: o + c, offset, centre, name=f"total_{axis}")
        fmt = spec.mean_format
        negative = p.stage(lambda q: q < 0, quotient, name=f"negative_{axis}")

        def nearest(v: Value, over: Value, sign: Value) -> Value:
            return Mux(over, Mux(sign, fmt.low, fmt.high), saturate(v, fmt))

        return p.stage(nearest, total, beyond, negative, name=f"mean_{axis}")

    def _centre(self, p: Pipe, means: list[Staged]) -> tuple[Staged, Staged]:
        """Both axes on the smallest exponent that holds them: 3 cycles."""
        spec = self.spec
        keep = spec.centre_format.width - 1

        def above(*values: Value) -> Value:
            sizes = [(v ^ v[-1].replicate(len(v)))[keep:-1] for v in values]
            return sizes[0] | sizes[1]

        high = p.stage(above, *means, name="above")
        exponent = p.stage(
            lambda v: (len(v) - leading_zeros(v)).as_unsigned()[: spec.furthest.bit_length()], high, name="exponent"
        )
        cut = [
            p.stage(lambda v, e: wrap(v >> e, spec.centre_format), mean, exponent, name=f"cut_{k}")
            for k, mean in enumerate(means)
        ]
        return p.join(cut, "centre"), exponent
