"""The colour of a Gaussian, seen from the camera."""

from __future__ import annotations

import torch
from torch import Tensor

from golden.formats import saturate, shift_round
from golden.integers import bit_length, look_up, shift_half_up
from golden.splat.spec import DIRECTION_FRACTION, Spec


def color(relative: Tensor, dc: Tensor, exponent: Tensor, sh: Tensor, spec: Spec) -> Tensor:
    """max(0, dc + Σ_k sh_k·P_k(n)) with n the view direction and P_k the bare SH polynomials.

    The constants of the harmonics are folded into the stored coefficients (scene_image.py).
    """
    base = shift_round(dc, spec.dc_fraction - spec.color_fraction, "half_up")
    rest = sh.shape[1]
    if rest == 0:
        return saturate(base, spec.color_format)
    polynomials = torch.stack(sh_polynomials(view_direction(relative, spec), rest), -1)
    total = (polynomials[:, :, None] * sh).sum(1)  # fraction 14 + 7 + exponent
    down = DIRECTION_FRACTION + spec.sh_bits - 1 - spec.color_fraction - 3 + exponent
    return saturate(base + shift_half_up(total, down[:, None]), spec.color_format)


def view_direction(relative: Tensor, spec: Spec) -> Tensor:
    """relative / |relative|, [M, 3] s1.14."""
    length = bit_length(relative.abs().amax(-1).clip(1))
    up = 33 - length
    mantissa = (relative << up[:, None]) >> 17  # 16 bits and a sign
    square = (mantissa * mantissa).sum(-1)  # 30 to 34 bits
    zeros_even = (34 - bit_length(square)) & ~1
    code = (square << zeros_even) >> 18  # [2**14, 2**16)
    root = look_up(spec.reciprocal_sqrt, code)  # 2**16/sqrt(code / 2**14)
    shift = 32 - DIRECTION_FRACTION - zeros_even // 2
    return shift_half_up(mantissa * root[:, None], shift[:, None])


def sh_polynomials(n: Tensor, rest: int) -> list[Tensor]:
    """Bands 1 to 3 of the real spherical harmonics without their constants, s3.14."""
    x, y, z = n.unbind(-1)

    def product(a: Tensor, b: Tensor) -> Tensor:
        return shift_round(a * b, DIRECTION_FRACTION, "half_up")

    result = [y, z, x]
    if rest > 3:
        xx, yy, zz, xy, yz, xz = (
            product(x, x),
            product(y, y),
            product(z, z),
            product(x, y),
            product(y, z),
            product(x, z),
        )
        result += [xy, yz, 2 * zz - xx - yy, xz, xx - yy]
        if rest > 8:
            result += [
                product(y, 3 * xx - yy),
                product(xy, z),
                product(y, 4 * zz - xx - yy),
                product(z, 2 * zz - 3 * xx - 3 * yy),
                product(x, 4 * zz - xx - yy),
                product(z, xx - yy),
                product(x, xx - 3 * yy),
            ]
    return result
