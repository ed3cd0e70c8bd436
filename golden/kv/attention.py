"""Attention over a selection against full attention: what the selection costs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Quality:
    """Means over query rows of one head; NaN or infinite where a figure has no value."""

    kept: float  #: share of the tokens
    recall: float  #: share of a row's true top tokens (as many as are kept) that the selection holds
    mass: float  #: share of the softmax mass on the selection
    best_mass: float  #: share that as many of the row's true top tokens would hold
    output_error: float  #: |output - full output| / |full output|; none if that is 0

    @property
    def relative_mass(self) -> float:
        """Mass kept against exact top-k of the same size; NaN if that has none."""
        return self.mass / self.best_mass if self.best_mass else math.nan


def probabilities(queries: Tensor, keys: Tensor, scale: float) -> Tensor:
    """softmax(Q · Kᵀ · scale), [R, T]."""
    return torch.softmax(queries @ keys.T * scale, 1)


def quality(
    queries: Tensor, keys: Tensor, values: Tensor, scale: float, chosen: Tensor, *,
    stored: tuple[Tensor, Tensor] | None = None,
) -> Quality:  # fmt: skip
    """Full attention over float [T, d] against attention over the tokens of `chosen`.

    Args:
        chosen: bool, [T] for all rows or [R, T].
        stored: keys and values as they are read back (dequantised), for the output error; else the float ones.
    """
    full = probabilities(queries, keys, scale)
    mask = chosen if chosen.ndim == 2 else chosen.expand(len(queries), -1)
    count = mask.sum(1)
    order = full.argsort(dim=1, descending=True)
    ranks = torch.arange(full.shape[1]) < count[:, None]
    top = torch.zeros_like(mask).scatter_(1, order, ranks)
    back_keys, back_values = stored or (keys, values)
    held = ((top & mask).sum(1) / count.clip(1)).where(full.isfinite().all(1), torch.nan)  # NaN has no order
    logits = (queries @ back_keys.T * scale).masked_fill(~mask, -torch.inf)
    output = torch.softmax(logits, 1) @ back_values
    wanted = full @ values
    return Quality(
        kept=float(count.double().mean()) / full.shape[1],
        recall=float(held.mean()),
        mass=float((full * mask).sum(1).mean()),
        best_mass=float((full * top).sum(1).mean()),
        output_error=float((output - wanted).norm() / wanted.norm()),
    )
