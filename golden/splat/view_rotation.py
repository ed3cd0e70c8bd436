"""The Gaussian's own axes in camera space, from two quaternions."""

from __future__ import annotations

import torch
from torch import Tensor

from golden.formats import saturate, shift_round
from golden.splat.frame import Frame
from golden.splat.spec import Spec


def view_rotation(quaternion: Tensor, frame: Frame, spec: Spec) -> Tensor:
    """The Gaussian's axes in camera space: the matrix of q_camera · q, [M, 3, 3] rotation_format."""
    a, b, c, d = frame.quaternion
    w, x, y, z = quaternion.unbind(-1)
    products = (
        a * w - b * x - c * y - d * z,
        a * x + b * w + c * z - d * y,
        a * y - b * z + c * w + d * x,
        a * z + b * y - c * x + d * w,
    )
    fmt = spec.rotation_format
    w, x, y, z = (saturate(shift_round(p, spec.quaternion_bits - 1, "half_up"), fmt) for p in products)
    one = 1 << (2 * fmt.fraction - 1)
    rows = (
        one - (y * y + z * z), x * y - w * z, x * z + w * y,
        x * y + w * z, one - (x * x + z * z), y * z - w * x,
        x * z - w * y, y * z + w * x, one - (x * x + y * y),
    )  # fmt: skip
    return torch.stack([saturate(shift_round(r, fmt.fraction - 1, "half_up"), fmt) for r in rows], -1).reshape(-1, 3, 3)
