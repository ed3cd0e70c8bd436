"""EWA projection of a Gaussian: the 2-D covariance in square pixels."""

from __future__ import annotations

import torch
from torch import Tensor

from golden.formats import shift_round
from golden.integers import normalise, step_look_up
from golden.splat.frame import Frame
from golden.splat.projection import Projection
from golden.splat.spec import (
    COVARIANCE_FRACTION,
    COVARIANCE_WIDTH,
    DILATION,
    MAX_DOUBLINGS,
    SCALE_BIAS,
    SUM_WIDTH,
    Spec,
)


def scales(code: Tensor, spec: Spec) -> tuple[Tensor, Tensor]:
    """Three scales on one exponent: mantissas u1.16 [M, 3], and the exponent with its bias of 20."""
    exponent = code >> spec.scale_fraction
    mantissa = step_look_up(spec.scale_exp2, code & ((1 << spec.scale_fraction) - 1))
    largest = exponent.amax(-1, keepdim=True)
    return mantissa >> (largest - exponent).clip(max=17), largest[:, 0]


def covariance(
    rotation: Tensor, scale: Tensor, scale_exponent: Tensor, p: Projection, frame: Frame, spec: Spec
) -> tuple[Tensor, Tensor]:
    """Σ' = J·M·Mᵀ·Jᵀ + 0.3·I of M = rotation·diag(scale): xx, xy, yy in px² with 12 fraction bits.

    A covariance that does not fit is divided by 4**doublings, which is the second result; the
    dilation is nothing beside it. Rows of J·M without f/z: a_1k = V_0k - t_x·V_2k,
    a_2k = V_1k - t_y·V_2k; b = a·scale; sums of products of b are normalised together and then multiplied by (f/z)².
    """
    left, right, top, bottom = frame.limits
    low, high = torch.tensor([left, top]), torch.tensor([right, bottom])
    tangent = torch.maximum(torch.minimum(p.tangent, high), low)
    rows: list[Tensor] = []
    for axis in range(2):
        a = (rotation[:, axis] << 16) - tangent[:, axis, None] * rotation[:, 2]
        a = shift_round(a, 17, "half_up")  # s2.15
        rows.append(shift_round(a * scale, 17, "half_up"))  # s3.14
    b1, b2 = rows
    sums = torch.stack([(b1 * b1).sum(-1), (b1 * b2).sum(-1), (b2 * b2).sum(-1)], -1)

    bits = spec.mantissa_bits
    largest = sums[:, 0] | sums[:, 2]
    _, sum_zeros = normalise(largest, SUM_WIDTH, bits)
    sums = (sums << sum_zeros[:, None]) >> (SUM_WIDTH - bits)
    hx = (frame.focal_x * p.reciprocal) >> bits
    hy = (frame.focal_y * p.reciprocal) >> bits
    factor = torch.stack([(hx * hx) >> bits, (hx * hy) >> bits, (hy * hy) >> bits], -1)

    # value = sums·2**(SUM_WIDTH - bits - sum_zeros - 28 + 2·(scale_exponent - 24))
    #       · factor·2**(3·bits)·2**(2·(focal_exponent - bits + 1))·2**(2·(zeros - 14 - bits))
    exponent = (
        SUM_WIDTH - bits - sum_zeros - 28 + 2 * (scale_exponent - SCALE_BIAS)
        + 3 * bits + 2 * (frame.focal_exponent - bits + 1) + 2 * (p.zeros - 14 - bits)
        + COVARIANCE_FRACTION
    )  # fmt: skip
    beyond = (exponent - (COVARIANCE_WIDTH - 2 - 2 * bits)).clip(0)
    doublings = ((beyond + 1) >> 1).clip(max=MAX_DOUBLINGS)
    exponent = exponent - 2 * doublings
    product = sums * factor  # 2·bits wide
    value = torch.where(
        (exponent < 0)[:, None],
        product >> (-exponent).clip(0, 40)[:, None],
        product << exponent.clip(0, COVARIANCE_WIDTH - 2 - 2 * bits)[:, None],
    )
    dilation = round(DILATION * (1 << COVARIANCE_FRACTION))
    return value + torch.tensor([dilation, 0, dilation]), doublings
