"""Raster set-up: a splat's quadratic form moved to the first pixel of a sub-tile."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from golden.formats import shift_round
from golden.integers import shift_half_up
from golden.splat.fine_filter import Splats
from golden.splat.spec import FAR, GUARD_BITS, Spec


@dataclass(frozen=True, kw_only=True)
class Setup:
    """Coefficients of -log2(alpha) on one sub-tile: p = start + column[x] + row[y] + x·y·cross."""

    column: Tensor  # [P, subtile] power_format: x·g_x + x²·a
    row: Tensor  # [P, subtile] power_format: start + y·g_y + y²·c
    cross: Tensor  # [P] 2·b, with GUARD_BITS more fraction bits
    bend: Tensor  # [P] power_format: (a + 2·b + c)/2, see `pixel_lane.centre`
    far: Tensor  # [P] bool: start is 2**FAR or more in size, and no pixel is drawn


def setup(splats: Splats, pair: Tensor, subtile: Tensor, spec: Spec) -> Setup:
    """Moves each splat's quadratic form to the first pixel centre of a sub-tile.

    With d the vector from the splat's centre to that pixel, cut to the centre's unit:
    u = a·d_x + b·d_y, v = b·d_x + c·d_y, start = d_x·u + d_y·v - log2(o), g_x = 2u, g_y = 2v.

    Args:
        pair: [P] which splat. subtile: [P] which sub-tile, row by row.
    """
    half = 1 << (spec.screen_fraction - 1)
    size = spec.subtile << spec.screen_fraction
    exponent = splats.mean_exponent[pair]
    dx = (((subtile % spec.columns) * size + half) >> exponent) - splats.mean[pair, 0]
    dy = (((subtile // spec.columns) * size + half) >> exponent) - splats.mean[pair, 1]
    a, b, c = splats.conic[pair].unbind(-1)
    shift = splats.conic_shift[pair]
    u, v = a * dx + b * dy, b * dx + c * dy
    fraction = spec.power_fraction
    fine = fraction + GUARD_BITS
    screen = spec.screen_fraction - exponent  # fraction bits of dx and dy
    start = _scaled(dx * u + dy * v, shift + 2 * screen - fraction)
    start = start + shift_round(splats.opacity[pair], spec.opacity_fraction - fraction, "half_up")
    gx = _scaled(2 * u, shift + screen - fine)
    gy = _scaled(2 * v, shift + screen - fine)
    a, b2, c = _scaled(a, shift - fine), _scaled(2 * b, shift - fine), _scaled(c, shift - fine)
    step = torch.arange(spec.subtile)
    column = shift_round(gx[:, None] * step + a[:, None] * step * step, GUARD_BITS, "half_up")
    row = shift_round(gy[:, None] * step + c[:, None] * step * step, GUARD_BITS, "half_up")
    far = (start >> (fraction + FAR) != 0) & (start >> (fraction + FAR) != -1)
    bend = shift_round(a + b2 + c, GUARD_BITS + 1, "half_up")
    return Setup(column=column, row=start[:, None] + row, cross=b2, bend=bend, far=far)


def _scaled(value: Tensor, shift: Tensor) -> Tensor:
    """value / 2**shift, rounded half up; shifts are positive."""
    return shift_half_up(value, shift.clip(1, 62))
