"""Weighted cumulative-sum thresholding: which clusters a query row needs (ReSV steps 5 and 6).

The weight of a cluster of score s and count n is (s - min s) · n: subtracting the row's smallest
score makes every weight non-negative, is exact in integers, and, like softmax, does not change when
a constant is added to all scores. In `count` mode it is n alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from golden.formats import clip
from golden.kv.spec import THRESHOLD_FRACTION, Spec


@dataclass(frozen=True, kw_only=True)
class RowSelection:
    """Rows × clusters."""

    selected: Tensor  # bool [R, C]
    threshold_bucket: Tensor  # [R] lowest bucket that is taken
    opened: Tensor  # [R] buckets opened, empty ones included
    visited: Tensor  # [R] scores in them


def weights(scores: Tensor, counts: Tensor, *, count_mode: bool) -> Tensor:
    """[R, C], not negative."""
    if count_mode:
        return counts.expand_as(scores)
    return (scores - scores.min(1, keepdim=True).values) * counts


def exact(scores: Tensor, counts: Tensor, code: int, *, count_mode: bool = False) -> Tensor:
    """Step 5: the shortest run of clusters in falling score whose weight exceeds code/1024 of all. bool [R, C].

    Where no run exceeds it (all scores equal), every cluster is selected. Ties: lowest cluster first.
    """
    order = torch.argsort(-scores, dim=1, stable=True)
    weight = weights(scores, counts, count_mode=count_mode).gather(1, order)
    reached = (weight.cumsum(1) << THRESHOLD_FRACTION) > code * weight.sum(1, keepdim=True)
    last = torch.where(reached.any(1), reached.long().argmax(1), scores.shape[1] - 1)
    taken = torch.arange(scores.shape[1]) <= last[:, None]
    return torch.zeros_like(taken).scatter_(1, order, taken)


def bucket(scores: Tensor, shifts: Tensor, spec: Spec) -> Tensor:
    """The bucket of each score, highest scores in the highest: (s >> shift_row) + buckets/2, limited. [R, C]"""
    half = spec.buckets // 2
    return clip(scores >> shifts[:, None], -half, half - 1) + half


def wtu(
    scores: Tensor, counts: Tensor, shifts: Tensor, code: int, spec: Spec, *, count_mode: bool = False
) -> RowSelection:
    """Step 6: whole buckets in falling order, until their weight exceeds code/1024 of all. A superset of `exact`.

    Args:
        scores: [R, C]. counts: of the clusters, [C], or [R, C] where rows have clusters of different sizes.
    """
    buckets = bucket(scores, shifts, spec)
    weight = weights(scores, counts, count_mode=count_mode)
    rows = len(scores)
    sums = torch.zeros(rows, spec.buckets, dtype=torch.int64).scatter_add_(1, buckets, weight)
    members = torch.zeros_like(sums).scatter_add_(1, buckets, torch.ones_like(buckets))
    falling = sums.flip(1).cumsum(1)
    reached = (falling << THRESHOLD_FRACTION) > code * weight.sum(1, keepdim=True)
    lowest = torch.where(
        reached.any(1), spec.buckets - 1 - reached.long().argmax(1), torch.zeros(rows, dtype=torch.int64)
    )
    top = buckets.max(1).values
    return RowSelection(
        selected=buckets >= lowest[:, None],
        threshold_bucket=lowest,
        opened=top - lowest + 1,
        visited=members.flip(1).cumsum(1).gather(1, spec.buckets - 1 - lowest[:, None])[:, 0],
    )
