"""The collectives as their definitions say, in float64 torch: what model and RTL are measured against."""

from __future__ import annotations

import torch
from torch import Tensor


def reduce_sum(messages: Tensor) -> Tensor:
    """Σ_b d_b of [N, elements]."""
    return messages.double().sum(0)


def softmax_merge(maxima: Tensor, sums: Tensor, outputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(m, l, o) of [N], [N], [N, d] partial softmaxes: m = max m_b, l = Σ exp(m_b - m)·l_b, o alike."""
    m = maxima.double().max()
    scale = torch.exp(maxima.double() - m)
    return m, (scale * sums.double()).sum(), (scale[:, None] * outputs.double()).sum(0)
