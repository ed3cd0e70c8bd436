"""Perspective division: the centre on the image, and what the covariance needs of it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from golden.formats import saturate, shift_round
from golden.integers import bit_length, look_up, normalise, shift_half_up
from golden.splat.frame import Frame, Group
from golden.splat.spec import QUOTIENT_BITS, Spec


@dataclass(frozen=True, kw_only=True)
class Projection:
    """A Gaussian's centre on the image, and 1/z for the blocks behind."""

    tangent: Tensor  # [M, 2] x/z, y/z, rotation_format; ±2 where they are larger
    reciprocal: Tensor  # [M] mantissa of 1/z
    zeros: Tensor  # [M] 1/z = reciprocal · 2**(zeros - 14 - mantissa_bits)
    mean: Tensor  # [M, 2] mean_format, the nearest that it holds


def projection(point: Tensor, frame: Frame, group: Group, spec: Spec) -> Projection:
    """Perspective division and the centre on the image: u = f_x·x/z + c_x, relative to the group.

    x, y and z are normalised each by itself, so that the centre's error is 2**-15 of its distance
    from the principal point, for long lenses as for centres far off the image.
    """
    bits = spec.mantissa_bits
    mantissa, zeros = normalise(point[:, 2], 31, bits + 1)
    reciprocal = look_up(spec.reciprocal, mantissa - (1 << bits)).clip(max=(1 << bits) - 1)
    tangents: list[Tensor] = []
    means: list[Tensor] = []
    axes = ((point[:, 0], frame.focal_x, group.centre_x), (point[:, 1], frame.focal_y, group.centre_y))
    for value, focal, centre in axes:
        own_zeros = 31 - bit_length((value ^ (value >> 63)).clip(1))
        numerator = (value << own_zeros) >> (30 - bits)  # bits + 2 wide, signed
        # x/z = quotient · 2**(zeros - own_zeros - 16)
        quotient = shift_round(numerator * reciprocal, 2 * bits + 2 - QUOTIENT_BITS, "half_up")
        quotient = quotient.clip(max=(1 << (QUOTIENT_BITS - 1)) - 1)
        below = own_zeros - zeros
        tangent = torch.where(below > 0, shift_half_up(quotient, below.clip(1)), quotient << (-below).clip(0, 2))
        tangents.append(saturate(tangent, spec.rotation_format))
        shift = 16 + bits - 1 - frame.focal_exponent - spec.screen_fraction + below
        scaled = quotient * focal
        mean = shift_half_up(scaled, shift.clip(1)) + centre
        beyond = torch.where(value < 0, spec.mean_format.low, spec.mean_format.high)
        means.append(torch.where(shift < 1, beyond, saturate(mean, spec.mean_format)))
    return Projection(
        tangent=torch.stack(tangents, -1), reciprocal=reciprocal, zeros=zeros, mean=torch.stack(means, -1)
    )


def scaled_centre(mean: Tensor, spec: Spec) -> tuple[Tensor, Tensor]:
    """A centre in centre_format, and the exponent that both axes share: the smallest that holds it, truncated."""
    size = (mean ^ (mean >> 63)).amax(-1)
    exponent = (bit_length(size) - (spec.centre_format.width - 1)).clip(0)
    return mean >> exponent[:, None], exponent
