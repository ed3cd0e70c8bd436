"""How far a splat's support reaches from its centre."""

from __future__ import annotations

import torch
from torch import Tensor

from golden.integers import bit_length, normalise, step_look_up
from golden.splat.slant import slant_vectors
from golden.splat.spec import COVARIANCE_FRACTION, EXTENT_FACTOR_FRACTION, HALF_LOG2E, VARIANCE_WIDTH, Spec


def extents(cov: Tensor, doublings: Tensor, opacity: Tensor, spec: Spec) -> Tensor:
    """Half-widths of the support alpha >= 1/255 along x, y, x+y and x-y, [M, 4], pixels, screen_fraction.

    e² = 2·ln(255·o)·v·4**doublings with v = xx, yy, xx+2xy+yy, xx-2xy+yy of `cov`; rounded up, and cut where a
    centre's format ends.
    """
    xx, xy, yy = cov.unbind(-1)
    variance = torch.stack([xx, yy, xx + 2 * xy + yy, xx - 2 * xy + yy], -1)
    return _half_widths(variance, doublings, opacity, spec).clip(max=spec.mean_format.high)


def slant_extent(cov: Tensor, doublings: Tensor, opacity: Tensor, slant: Tensor, spec: Spec) -> Tensor:
    """The same along each splat's direction of `SLANTS`, [M]; cut where four times a centre's format ends."""
    xx, xy, yy = cov.unbind(-1)
    x, y = slant_vectors(slant)
    variance = x * x * xx + 2 * x * y * xy + y * y * yy
    return _half_widths(variance[:, None], doublings, opacity, spec)[:, 0].clip(max=4 * spec.mean_format.high)


def _half_widths(variance: Tensor, doublings: Tensor, opacity: Tensor, spec: Spec) -> Tensor:
    """Roots of 2·ln(255·o)·v·4**doublings, [M, N], rounded up; right up to four times the format of a centre."""
    margin = (spec.max_power << spec.opacity_fraction) - (opacity << spec.power_fraction)
    # 2·ln(255·o) = margin/HALF_LOG2E, u4.8, rounded up; zero when nothing is visible
    constant = round((1 << 10) / HALF_LOG2E) + 1
    down = spec.opacity_fraction + spec.power_fraction + 10 - EXTENT_FACTOR_FRACTION
    factor = ((margin.clip(0) * constant) >> down) + 1
    bits = spec.mantissa_bits
    mantissa, zeros = normalise(variance.clip(0), VARIANCE_WIDTH, bits)
    product = (mantissa + 1) * factor[:, None]
    width = bits + 15  # of the product, with a zero on top
    # e² = product · 2**unit in units of the screen's step; an even exponent beside 8 leading bits
    # in [1, 4) leaves a whole exponent to the root.
    unit = VARIANCE_WIDTH - bits - zeros - COVARIANCE_FRACTION - EXTENT_FACTOR_FRACTION
    up = width - bit_length(product)
    up = up - ((unit + width - up) & 1)
    root = step_look_up(spec.extent_sqrt, (product << up) >> (width - 8))
    shift = (unit + width - 2 - up) // 2 + spec.screen_fraction - 8 + doublings[:, None]
    # A root is 2**8 or more: the longest shift is beyond any format.
    most = spec.mean_format.width - 7
    return torch.where(shift >= 0, root << shift.clip(0, most), (root >> (-shift).clip(0, 20)) + 1)
