"""Perspective division: the centre on the image, and what the covariance needs of it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from golden.formats import shift_round
from golden.integers import look_up, normalise
from golden.splat.frame import Frame, Group
from golden.splat.spec import Spec


@dataclass(frozen=True, kw_only=True)
class Projection:
    """A Gaussian's centre on the image, and 1/z for the blocks behind."""

    tangent: Tensor  # [M, 2] x/z, y/z, rotation_format
    reciprocal: Tensor  # [M] mantissa of 1/z
    zeros: Tensor  # [M] 1/z = reciprocal · 2**(zeros - 14 - mantissa_bits)
    mean: Tensor  # [M, 2] mean_format
    valid: Tensor  # [M] both tangents are below 2 in size, and the mean fits its format


def projection(point: Tensor, frame: Frame, group: Group, spec: Spec) -> Projection:
    """Perspective division and the centre on the image: u = f_x·x/z + c_x, relative to the group."""
    x, y, z = point.unbind(-1)
    bits = spec.mantissa_bits
    mantissa, zeros = normalise(z, 31, bits)
    reciprocal = look_up(spec.reciprocal, mantissa - (1 << (bits - 1))).clip(max=(1 << bits) - 1)
    valid = (x.abs() < 2 * z) & (y.abs() < 2 * z)
    tangents: list[Tensor] = []
    means: list[Tensor] = []
    for value, focal, centre in ((x, frame.focal_x, group.centre_x), (y, frame.focal_y, group.centre_y)):
        scaled = (torch.where(valid, value, 0) << zeros) >> (32 - bits)  # bits + 1 wide, signed
        tangent = shift_round(scaled * reciprocal, 2 * bits - 18, "half_up")  # rotation_format
        tangent = tangent.clip(-(1 << 17), (1 << 17) - 1)
        shift = 16 + bits - 1 - frame.focal_exponent - spec.screen_fraction
        means.append(shift_round(tangent * focal, shift, "half_up") + centre)
        tangents.append(tangent)
    mean = torch.stack(means, -1)
    fits = (mean >= spec.mean_format.low) & (mean <= spec.mean_format.high)
    return Projection(
        tangent=torch.stack(tangents, -1), reciprocal=reciprocal, zeros=zeros, mean=mean, valid=valid & fits.all(-1)
    )
