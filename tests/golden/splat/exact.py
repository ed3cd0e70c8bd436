"""The formulas of the fine filter in double precision, on the integers that the bit-true model gets.

Every function takes the codes that the model's function of the same name takes, so that each
block's own error is seen, not that of the blocks before it.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from golden.splat.frame import Frame, Group
from golden.splat.projection import Projection
from golden.splat.spec import CAMERA_FRACTION, COVARIANCE_FRACTION, DILATION, MIN_ALPHA, SCALE_BIAS, Spec


def focal(frame: Frame, spec: Spec) -> Tensor:
    """f_x, f_y in pixels."""
    return torch.tensor([frame.focal_x, frame.focal_y]).double() * 2.0 ** (
        frame.focal_exponent - spec.mantissa_bits + 1
    )


def point(code: Tensor) -> Tensor:
    """Camera-space coordinates in voxel edges."""
    return code.double() / (1 << CAMERA_FRACTION)


def tangent(code: Tensor) -> Tensor:
    """x/z and y/z, [M, 2]."""
    p = point(code)
    return p[:, :2] / p[:, 2:]


def mean(code: Tensor, frame: Frame, group: Group, spec: Spec) -> Tensor:
    """Projected centre relative to the group's corner in pixels, [M, 2]."""
    centre = torch.tensor([group.centre_x, group.centre_y]).double() * spec.mean_format.step
    return tangent(code) * focal(frame, spec) + centre


def view_rotation(quaternion: Tensor, frame: Frame, spec: Spec) -> Tensor:
    """Rotation matrix of q_camera · q, both as stored, [M, 3, 3]."""
    a, b, c, d = (torch.tensor(frame.quaternion).double() * spec.rotation_format.step).tolist()
    w, x, y, z = (quaternion.double() * spec.quaternion_format.step).unbind(-1)
    w, x, y, z = (
        a * w - b * x - c * y - d * z,
        a * x + b * w + c * z - d * y,
        a * y - b * z + c * w + d * x,
        a * z + b * y - c * x + d * w,
    )
    rows = (
        1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
        2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
        2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y),
    )  # fmt: skip
    return torch.stack(rows, -1).reshape(-1, 3, 3)


def scale(code: Tensor, spec: Spec) -> Tensor:
    """Standard deviations in voxel edges."""
    return 2.0 ** (code.double() / 2.0**spec.scale_fraction - SCALE_BIAS)


def covariance(rotation: Tensor, scales: Tensor, p: Projection, frame: Frame, spec: Spec) -> Tensor:
    """Σ' = J·M·Mᵀ·Jᵀ + 0.3·I in px², [M, 3] as xx, xy, yy.

    Args:
        scales: [M, 3] in voxel edges.
    """
    left, right, top, bottom = frame.limits
    limited = torch.maximum(torch.minimum(p.tangent, torch.tensor([right, bottom])), torch.tensor([left, top]))
    t = limited.double() * spec.rotation_format.step
    v = rotation.double() * spec.rotation_format.step
    inverse_depth = p.reciprocal.double() * 2.0 ** (p.zeros.double() - 14 - spec.mantissa_bits)
    factor = focal(frame, spec) * inverse_depth[:, None]
    rows = (v[:, :2] - t[..., None] * v[:, 2:]) * scales[:, None] * factor[..., None]
    xx, xy, yy = (rows[:, 0] ** 2).sum(-1), (rows[:, 0] * rows[:, 1]).sum(-1), (rows[:, 1] ** 2).sum(-1)
    return torch.stack([xx + DILATION, xy, yy + DILATION], -1)


def pixels_squared(cov: Tensor, doublings: Tensor) -> Tensor:
    """Covariance codes in px²."""
    return cov.double() * 4.0 ** doublings[:, None].double() / (1 << COVARIANCE_FRACTION)


def centre(mean: Tensor, exponent: Tensor, spec: Spec) -> Tensor:
    """A splat's centre in pixels, [M, 2]."""
    return mean.double() * 2.0 ** exponent[:, None].double() * spec.centre_format.step


def conic(cov: Tensor) -> Tensor:
    """½·log2(e)·Σ'⁻¹ of covariances in px², [M, 3] as a, b, c."""
    xx, xy, yy = cov.unbind(-1)
    return 0.5 * math.log2(math.e) * torch.stack([yy, -xy, xx], -1) / (xx * yy - xy * xy)[:, None]


def opacity(code: Tensor, spec: Spec) -> Tensor:
    return 2.0 ** -(code.double() / 2.0**spec.opacity_fraction)


def extents(cov: Tensor, alpha: Tensor) -> Tensor:
    """Half-widths in pixels of the region of alpha >= 1/255 along x, y, x+y, x-y, [M, 4]; 0 where there is none."""
    xx, xy, yy = cov.unbind(-1)
    variance = torch.stack([xx, yy, xx + 2 * xy + yy, xx - 2 * xy + yy], -1).clip(0)
    return (2 * (alpha / MIN_ALPHA).log().clip(0)[:, None] * variance).sqrt()
