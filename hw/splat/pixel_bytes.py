"""A pixel's state as bytes of the framebuffer."""

from __future__ import annotations

from amaranth.hdl import Cat, Value, unsigned
from amaranth.lib import data

from golden.splat.spec import Spec
from hw.lib.fixed import clip, resize, shift_round

BYTES_WIDTH = 32  # bits of a pixel: red, green, blue, coverage


class StateLayout(data.StructLayout):
    """What a lane holds of a pixel, as it hands it out."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(
            {
                "color": data.ArrayLayout(spec.accumulator_format.width, 3),  #: red, green, blue
                "transmittance": spec.transmittance_bits,  #: what shines through
            }
        )


def pixel_width(spec: Spec, *, as_bytes: bool) -> int:
    """Bits of a pixel on its way out of the lanes: its state, or already the framebuffer's."""
    return BYTES_WIDTH if as_bytes else StateLayout(spec).size


def pixel_bytes(state: data.View, spec: Spec) -> Value:
    """Red, green, blue and coverage 1 - T, each rounded to 8 bits; `golden.splat.pixel_lane.pixel_bytes`."""
    coverage = spec.full_transmittance - state.transmittance
    channels = [(state.color[c], spec.accumulator_fraction) for c in range(3)]
    return Cat(_to_byte(value, fraction) for value, fraction in [*channels, (coverage, spec.transmittance_bits)])


def _to_byte(value: Value, fraction: int) -> Value:
    """round(value · 255), at most 255."""
    scaled = resize(value.shift_left(8) - value, unsigned(len(value) + 8))
    return clip(shift_round(scaled, fraction, "half_up"), 0, 255)[:8]
