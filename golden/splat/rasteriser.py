"""Rasteriser: splats in order on the group's sub-tiles, one splat × one sub-tile a step."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from golden.formats import saturate, shift_round
from golden.splat.fine_filter import Splats
from golden.splat.spec import FAR, GUARD_BITS, Spec

BLOCK = 32  # steps whose alphas are evaluated together; only speed depends on it


@dataclass(frozen=True, kw_only=True)
class Setup:
    """Coefficients of -log2(alpha) on one sub-tile: p = start + column[x] + row[y] + x·y·cross."""

    column: Tensor  # [P, subtile] power_format: x·g_x + x²·a
    row: Tensor  # [P, subtile] power_format: start + y·g_y + y²·c
    cross: Tensor  # [P] 2·b, with GUARD_BITS more fraction bits
    far: Tensor  # [P] bool, start is 2**FAR or more in size: no pixel is drawn


def setup(splats: Splats, pair: Tensor, subtile: Tensor, spec: Spec) -> Setup:
    """Moves each splat's quadratic form to the first pixel centre of a sub-tile.

    With d the vector from the splat's centre to that pixel: u = a·d_x + b·d_y, v = b·d_x + c·d_y,
    start = d_x·u + d_y·v - log2(o), g_x = 2u, g_y = 2v.

    Args:
        pair: [P] which splat. subtile: [P] which sub-tile, row by row.
    """
    half = 1 << (spec.screen_fraction - 1)
    size = spec.subtile << spec.screen_fraction
    dx = (subtile % spec.columns) * size + half - splats.mean[pair, 0]
    dy = (subtile // spec.columns) * size + half - splats.mean[pair, 1]
    a, b, c = splats.conic[pair].unbind(-1)
    shift = splats.conic_shift[pair]
    u, v = a * dx + b * dy, b * dx + c * dy
    fraction = spec.power_fraction
    fine = fraction + GUARD_BITS
    start = _scale(dx * u + dy * v, shift + 2 * spec.screen_fraction - fraction)
    start = start + shift_round(splats.opacity[pair], spec.opacity_fraction - fraction, "half_up")
    gx = _scale(2 * u, shift + spec.screen_fraction - fine)
    gy = _scale(2 * v, shift + spec.screen_fraction - fine)
    a, b2, c = _scale(a, shift - fine), _scale(2 * b, shift - fine), _scale(c, shift - fine)
    step = torch.arange(spec.subtile)
    column = shift_round(gx[:, None] * step + a[:, None] * step * step, GUARD_BITS, "half_up")
    row = shift_round(gy[:, None] * step + c[:, None] * step * step, GUARD_BITS, "half_up")
    far = (start >> (fraction + FAR) != 0) & (start >> (fraction + FAR) != -1)
    return Setup(column=column, row=start[:, None] + row, cross=b2, far=far)


def _scale(value: Tensor, shift: Tensor) -> Tensor:
    """value / 2**shift, rounded half up; shifts are positive."""
    shift = shift.clip(1, 62)
    return (value + (1 << (shift - 1))) >> shift


def power(s: Setup, spec: Spec) -> Tensor:
    """-log2(alpha) of every pixel, [P, lanes] power_format, row by row."""
    step = torch.arange(spec.subtile)
    cross = shift_round(s.cross[:, None, None] * (step[:, None] * step), GUARD_BITS, "half_up")
    p = (s.row[:, :, None] + s.column[:, None, :] + cross).flatten(1)
    return torch.where(s.far[:, None], spec.power_format.high, p)


def alpha(p: Tensor, spec: Spec) -> Tensor:
    """min(0.99, 2**-p), 0 where it is below 1/255; fraction alpha_bits.

    Rounding brings p down to -1 at the least. Below that the conic of a needle, rounded, is no
    longer positive definite: such a pixel is not drawn.
    """
    visible = (p <= spec.max_power) & (p >= -(1 << spec.power_fraction))
    p = p.clip(min=0)
    table = torch.tensor(spec.alpha_exp2.values)
    fraction = table[p & ((1 << spec.power_fraction) - 1)]
    value = (fraction >> (p >> spec.power_fraction).clip(max=15)).clip(max=spec.max_alpha)
    return torch.where(visible, value, 0)


@dataclass(kw_only=True)
class Pixels:
    """State of every pixel of the sub-tiles at hand."""

    transmittance: Tensor  # [S, lanes]
    done: Tensor  # [S, lanes] bool
    color: Tensor  # [S, lanes, 3] accumulator_format


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


def rasterise(splats: Splats, spec: Spec) -> tuple[Pixels, int, int]:
    """Blends `splats`, already in order, on all sub-tiles of a group.

    Returns the pixels, the (splat, sub-tile) pairs touched, and those of them that came before
    their sub-tile was opaque.
    """
    count = spec.columns**2
    pixels = Pixels(
        transmittance=torch.full((count, spec.lanes), spec.full_transmittance),
        done=torch.zeros(count, spec.lanes, dtype=torch.bool),
        color=torch.zeros(count, spec.lanes, 3, dtype=torch.int64),
    )
    subtile, pair = torch.nonzero(splats.mask.T, as_tuple=True)  # by sub-tile, then in order
    length = torch.bincount(subtile, minlength=count)
    start = length.cumsum(0) - length
    useful = 0
    for first in range(0, int(length.max()) if len(pair) else 0, BLOCK):
        open_ = (length > first) & ~pixels.done.all(-1)
        which = torch.nonzero(open_)[:, 0]
        if len(which) == 0:
            break
        nth = first + torch.arange(BLOCK)
        present = nth < length[which, None]
        index = torch.where(present, start[which, None] + nth, 0)
        batch = pair[index].flatten()
        s = setup(splats, batch, which.repeat_interleave(BLOCK), spec)
        alphas = alpha(power(s, spec), spec).reshape(len(which), BLOCK, spec.lanes)
        alphas = torch.where(present[..., None], alphas, 0)
        colors = splats.color[batch].reshape(len(which), BLOCK, 3)
        for step in range(BLOCK):
            useful += int((present[:, step] & ~pixels.done[which].all(-1)).sum())
            blend(pixels, which, alphas[:, step], colors[:, step], spec)
    return pixels, len(pair), useful


def pixel_bytes(pixels: Pixels, spec: Spec) -> Tensor:
    """Red, green, blue and coverage (1 - T), each rounded to 8 bits, [S, lanes, 4]."""
    coverage = spec.full_transmittance - pixels.transmittance
    values = torch.cat([pixels.color, coverage[..., None]], -1)
    fractions = [spec.accumulator_fraction] * 3 + [spec.transmittance_bits]
    out = [shift_round(values[..., k] * 255, fraction, "half_up").clip(0, 255) for k, fraction in enumerate(fractions)]
    return torch.stack(out, -1)
