"""The inverse of a 2-D covariance, in the base-2 exponent's unit."""

from __future__ import annotations

import torch
from torch import Tensor

from golden.integers import look_up, normalise
from golden.splat.spec import COVARIANCE_FRACTION, COVARIANCE_WIDTH, Spec


def conic(cov: Tensor, doublings: Tensor, spec: Spec) -> tuple[Tensor, Tensor, Tensor]:
    """½·log2(e)·Σ'⁻¹ of Σ' = cov · 4**doublings as mantissas on one shift, and whether the determinant is positive."""
    bits, wide = spec.mantissa_bits, spec.covariance_bits
    largest = cov[:, 0] | cov[:, 2]
    _, zeros = normalise(largest, COVARIANCE_WIDTH, wide)
    xx, xy, yy = ((cov << zeros[:, None]) >> (COVARIANCE_WIDTH - wide)).unbind(-1)
    determinant = xx * yy - xy * xy
    positive = determinant > 0
    mantissa, det_zeros = normalise(determinant.clip(1), 2 * wide, bits)
    reciprocal = look_up(spec.scaled_reciprocal, mantissa - (1 << (bits - 1)))
    drop = max(wide - bits, 0)
    a, b, c = ((v >> drop) * reciprocal for v in (yy, -xy, xx))
    _, conic_zeros = normalise(a | c, 2 * bits, bits)
    mantissas = (torch.stack([a, b, c], -1) << conic_zeros[:, None]) >> bits
    # a = (yy >> drop)·reciprocal; Σ' = xx·2**unit px²; determinant = mantissa·2**(2·wide - bits - det_zeros + 2·unit)
    unit = COVARIANCE_WIDTH - wide - zeros - COVARIANCE_FRACTION
    exponent = bits - conic_zeros + drop + unit - (2 * bits - 1) - (2 * wide - bits - det_zeros) - 2 * unit
    return mantissas, 2 * doublings - exponent, positive
