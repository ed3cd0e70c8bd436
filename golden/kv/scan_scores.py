"""Scores of a scan by the planes read so far, how far they may be off, and the buckets that they are counted in."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from golden.kv.spec import DECAY_FRACTION, KEY_BITS, SCAN_BUCKETS, THRESHOLD_FRACTION


def unread_range(planes: int) -> int:
    """The largest value of a key's unread bits."""
    return (1 << KEY_BITS - planes) - 1


def middle(queries: Tensor, planes: int) -> Tensor:
    """What the unread bits add to a row's score in the middle of their range, rounded down. [R]"""
    return (queries.sum(1) * unread_range(planes)) >> 1


def slack(queries: Tensor, planes: int) -> int:
    """No score after so many planes is further from the INT8 score: Σ|q| · range / 2, rounded up, of the widest row."""
    return (int(queries.abs().sum(1).max()) * unread_range(planes) + 1) >> 1


def bucket_shift(queries: Tensor, longest: int, first: int) -> int:
    """The smallest shift with which every joined score lies in a bucket, by Cauchy–Schwarz.

    Args:
        longest: Σ code² of the longest key. first: planes of the first pass.
    """
    query = math.isqrt(int((queries**2).sum(1).max())) + 1
    unread = unread_range(first) * (math.isqrt(queries.shape[1]) + 1)
    key = math.isqrt(longest) + 1 + (unread + 1) // 2
    span = 2 * query * key + slack(queries, first) + 2
    return (-(-span // (SCAN_BUCKETS // 2)) - 1).bit_length()


def bucket_decay(unit: float, shift: int) -> int:
    """The softmax weight of a bucket over that of the bucket above, in 1/65536; `unit`: a score's unit of a logit."""
    return min((1 << DECAY_FRACTION) - 1, round(math.exp(-unit * 2**shift) * (1 << DECAY_FRACTION)))


def partial_scores(queries: Tensor, keys: Tensor, planes: int) -> Tensor:
    """Scores after so many planes, int64 [R, T]; exact in float32, as none reaches 2**24."""
    unread = KEY_BITS - planes
    read = (keys >> unread << unread).float()
    return (queries.float() @ read.T).long() + middle(queries, planes)[:, None]


def lowest_needed(counts: Tensor, needed: int) -> int:
    """The highest bucket from which on upwards `needed` tokens lie; 0 where there are fewer."""
    reached = counts.flip(0).cumsum(0) >= needed
    return SCAN_BUCKETS - 1 - int(reached.long().argmax()) if bool(reached.any()) else 0


def tokens_of_mass(counts: Tensor, mass_code: int, decay: int) -> int:
    """Top-p: tokens in the buckets that are opened from the highest filled one until they hold more than the share.

    A token in the highest weighs 1, in each bucket `decay`/65536 of the one above, rounded down.
    """
    falling = counts.flip(0).tolist()
    weights: list[int] = []
    weight = 1 << DECAY_FRACTION
    for k, count in enumerate(falling):
        weights.append(weight * count)
        if any(falling[: k + 1]):
            weight = weight * decay >> DECAY_FRACTION
    reached = torch.tensor(weights).cumsum(0)
    over = (reached << THRESHOLD_FRACTION) > mass_code * reached[-1]
    return sum(falling[: int(over.long().argmax()) + 1])
