"""The pixels' arithmetic: alpha from the set-up's coefficients, blending, and bytes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from golden.formats import saturate, shift_round
from golden.integers import look_up, step_look_up
from golden.splat.raster_setup import Setup
from golden.splat.spec import GUARD_BITS, MAX_OCTAVE, Spec


@dataclass(kw_only=True)
class Pixels:
    """State of every pixel of the sub-tiles at hand."""

    transmittance: Tensor  # [S, lanes]
    done: Tensor  # [S, lanes] bool
    color: Tensor  # [S, lanes, 3] accumulator_format


def power(s: Setup, spec: Spec) -> Tensor:
    """-log2(alpha) of every pixel, [P, lanes] power_format, row by row; int32.

    power_format holds every p that is not far, and a sum that fits is right whatever its terms lost above 32 bits.
    """
    step = torch.arange(spec.subtile)
    cross = shift_round(s.cross[:, None, None] * (step[:, None] * step), GUARD_BITS, "half_up").int()
    p = (s.row.int()[:, :, None] + s.column.int()[:, None, :] + cross).flatten(1)
    return p.masked_fill_(s.far[:, None], spec.power_format.high)


def alpha(p: Tensor, bend: Tensor, spec: Spec) -> Tensor:
    """min(0.99, 2**-p) of every pixel of sub-tiles, 0 where it is not drawn, [P, lanes]; fraction alpha_bits.

    A pixel is drawn if its alpha is at least 1/255 (`alpha_check` "pixel"), if that of any pixel of its 2×2
    block is ("quad_any"), or if it is at the block's centre ("quad_centre"). Only sub-tiles that the splat's
    support touches are looked at: a centre may pass beyond them.

    Rounding can bring p down to -1. Below that, the rounded conic of a very thin splat is no longer
    positive definite, and the pixel is not drawn.

    Args:
        p: [P, lanes] power_format, row by row. bend: [P] power_format, of the set-up.
    """
    if spec.alpha_check == "pixel":
        low, alphas = _alphas(spec)
        code = p.clip(low, low + len(alphas) - 1) - low
        return alphas.index_select(0, code.flatten()).reshape(p.shape)
    if spec.alpha_check == "quad_any":
        drawn = _to_pixels(_blocks(passes(p, spec), spec).any(-1), spec)
    else:
        drawn = _to_pixels(passes(centre(p, bend, spec), spec), spec)
    drawn = drawn & (p >= -(1 << spec.power_fraction))
    return torch.where(drawn, exp2(p, spec), 0).to(_product_type(spec))


def exp2(p: Tensor, spec: Spec) -> Tensor:
    """min(0.99, 2**-p) by table, 0 and less taken as 0; fraction alpha_bits."""
    p = p.clip(min=0)
    fraction = p & ((1 << spec.power_fraction) - 1)
    if spec.exp_linear:
        root = look_up(spec.alpha_exp2_linear, fraction)
    else:
        root = step_look_up(spec.alpha_exp2, fraction >> spec.power_fraction - spec.exp_index_bits)
    return (root >> (p >> spec.power_fraction).clip(max=MAX_OCTAVE)).clip(max=spec.max_alpha)


def passes(p: Tensor, spec: Spec) -> Tensor:
    """The test on the exponent: alpha is at least 1/255, and p not below -1."""
    return (p <= spec.max_power) & (p >= -(1 << spec.power_fraction))


def centre(p: Tensor, bend: Tensor, spec: Spec) -> Tensor:
    """p at the centre of every 2×2 block, [P, lanes / 4], row by row.

    On the block's diagonal p is a parabola of second difference a + 2·b + c: its value in the middle is
    the mean of the ends less half of `bend`.
    """
    block = _blocks(p, spec)
    return (block[..., 0] + block[..., 3] - bend[:, None]) >> 1


def _blocks(values: Tensor, spec: Spec) -> Tensor:
    """[P, lanes] as [P, lanes / 4, 4]: 2×2 blocks row by row, in each its pixels row by row."""
    half = spec.subtile // 2
    return values.reshape(-1, half, 2, half, 2).transpose(2, 3).reshape(-1, half * half, 4)


def _to_pixels(blocks: Tensor, spec: Spec) -> Tensor:
    """[P, lanes / 4] to [P, lanes]: every pixel has its block's value."""
    half = spec.subtile // 2
    square = blocks.reshape(-1, half, half)
    return square.repeat_interleave(2, 1).repeat_interleave(2, 2).flatten(1)


@lru_cache
def _alphas(spec: Spec) -> tuple[int, Tensor]:
    """The highest p that is too low to be drawn; and alpha of it and of all p up to one that is too high."""
    low = -(1 << spec.power_fraction) - 1
    p = torch.arange(low, (MAX_OCTAVE + 1 << spec.power_fraction) + 1)
    value = exp2(p, spec)
    drawn = passes(p, spec) if spec.preemptive else (value >= spec.min_alpha) & (p > low)
    drawn[-1] = False
    return low, torch.where(drawn, value, 0).to(_product_type(spec))


def _product_type(spec: Spec) -> torch.dtype:
    """Of the pixels' products, T·α and w·c, which are rounded: int32, the faster one, where they fit."""
    widest = spec.transmittance_bits + max(spec.alpha_bits, spec.color_format.width)
    return torch.int32 if widest < 31 else torch.int64


def blend(pixels: Pixels, rows: Tensor, alphas: Tensor, colors: Tensor, spec: Spec) -> tuple[Tensor, Tensor]:
    """Splats in order on each of the sub-tiles `rows`: w = T·α; T -= w; C += w·c.

    A splat that would bring T below 1e-4 is left out, and the pixel is done. T never rises, so that
    all splats from that one on are those that leave less than 1e-4. C never falls, so that it
    saturates at the end as it would after every splat.

    Args:
        alphas: [steps, S, lanes]. colors: [steps, S, 3].

    Returns:
        [steps, S, lanes] w, 0 where nothing is drawn, and whether the pixel was not done before the splat.
    """
    light = (pixels.transmittance[rows] * ~pixels.done[rows]).to(alphas.dtype)
    lights = [light]
    for a in alphas:
        light = light - shift_round(light * a, spec.alpha_bits, "half_up")
        lights.append(light)
    before, after = torch.stack(lights[:-1]), torch.stack(lights[1:])
    weight = (before - after) * (after >= spec.min_transmittance)
    shift = spec.transmittance_bits + spec.color_fraction - spec.accumulator_fraction
    colors = colors.to(alphas.dtype)
    added = [shift_round(weight * colors[..., k, None], shift, "half_up").sum(0) for k in range(3)]
    pixels.color[rows] = saturate(pixels.color[rows] + torch.stack(added, -1), spec.accumulator_format)
    pixels.transmittance[rows] -= weight.sum(0)
    pixels.done[rows] = light < spec.min_transmittance
    return weight, before >= spec.min_transmittance


def pixel_bytes(pixels: Pixels, spec: Spec) -> Tensor:
    """Red, green, blue and coverage (1 - T), each rounded to 8 bits, [S, lanes, 4]."""
    coverage = spec.full_transmittance - pixels.transmittance
    values = torch.cat([pixels.color, coverage[..., None]], -1)
    fractions = [spec.accumulator_fraction] * 3 + [spec.transmittance_bits]
    out = [shift_round(values[..., k] * 255, fraction, "half_up").clip(0, 255) for k, fraction in enumerate(fractions)]
    return torch.stack(out, -1)
