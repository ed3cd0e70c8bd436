"""The pixels' arithmetic: alpha from the set-up's coefficients, blending, and bytes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from golden.formats import saturate, shift_round
from golden.integers import step_look_up
from golden.splat.raster_setup import Setup
from golden.splat.spec import GUARD_BITS, Spec


@dataclass(kw_only=True)
class Pixels:
    """State of every pixel of the sub-tiles at hand."""

    transmittance: Tensor  # [S, lanes]
    done: Tensor  # [S, lanes] bool
    color: Tensor  # [S, lanes, 3] accumulator_format


def power(s: Setup, spec: Spec) -> Tensor:
    """-log2(alpha) of every pixel, [P, lanes] power_format, row by row."""
    step = torch.arange(spec.subtile)
    cross = shift_round(s.cross[:, None, None] * (step[:, None] * step), GUARD_BITS, "half_up")
    p = (s.row[:, :, None] + s.column[:, None, :] + cross).flatten(1)
    return torch.where(s.far[:, None], spec.power_format.high, p)


def alpha(p: Tensor, spec: Spec) -> Tensor:
    """min(0.99, 2**-p), 0 where it is below 1/255; fraction alpha_bits.

    Rounding can bring p down to -1. Below that, the rounded conic of a very thin splat is no longer
    positive definite, and the pixel is not drawn.
    """
    visible = (p <= spec.max_power) & (p >= -(1 << spec.power_fraction))
    p = p.clip(min=0)
    fraction = step_look_up(spec.alpha_exp2, p & ((1 << spec.power_fraction) - 1))
    value = (fraction >> (p >> spec.power_fraction).clip(max=15)).clip(max=spec.max_alpha)
    return torch.where(visible, value, 0)


def blend(pixels: Pixels, rows: Tensor, alphas: Tensor, colors: Tensor, spec: Spec) -> None:
    """One splat on each of the sub-tiles `rows`: w = T·α; T -= w; C += w·c; below 1e-4 the pixel is done."""
    before = pixels.transmittance[rows]
    weight = shift_round(before * alphas, spec.alpha_bits, "half_up")
    after = before - weight
    stop = after < spec.min_transmittance
    active = (alphas > 0) & ~pixels.done[rows]
    drawn = active & ~stop
    weight = torch.where(drawn, weight, 0)
    shift = spec.transmittance_bits + spec.color_fraction - spec.accumulator_fraction
    pixels.color[rows] = saturate(
        pixels.color[rows] + shift_round(weight[..., None] * colors[:, None], shift, "half_up"), spec.accumulator_format
    )
    pixels.transmittance[rows] = before - weight
    pixels.done[rows] = pixels.done[rows] | (active & stop)


def pixel_bytes(pixels: Pixels, spec: Spec) -> Tensor:
    """Red, green, blue and coverage (1 - T), each rounded to 8 bits, [S, lanes, 4]."""
    coverage = spec.full_transmittance - pixels.transmittance
    values = torch.cat([pixels.color, coverage[..., None]], -1)
    fractions = [spec.accumulator_fraction] * 3 + [spec.transmittance_bits]
    out = [shift_round(values[..., k] * 255, fraction, "half_up").clip(0, 255) for k, fraction in enumerate(fractions)]
    return torch.stack(out, -1)
