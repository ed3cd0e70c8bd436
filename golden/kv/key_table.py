"""Sums of keys and token counts of the clusters, and their means (ReSV step 3)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from golden.formats import clip, shift_round
from golden.integers import bit_length, look_up
from golden.kv.spec import KEY_MAX, MEAN_GUARD, RECIPROCAL, RECIPROCAL_FRACTION


@dataclass(frozen=True, kw_only=True)
class KeyTable:
    """The hash-cluster table's sums and counts."""

    sums: Tensor  # [C, heads, head_size]
    counts: Tensor  # [C]


def key_table(keys: Tensor, cluster: Tensor, count: int) -> KeyTable:
    """Sums and counts of `count` clusters over key codes [T, heads, head_size]."""
    sums = torch.zeros(count, *keys.shape[1:], dtype=torch.int64).index_add_(0, cluster, keys)
    return KeyTable(sums=sums, counts=torch.bincount(cluster, minlength=count))


def mean_unit(sums: Tensor, counts: Tensor) -> Tensor:
    """KeyCluster: sum / count as INT8, [C, heads, head_size].

    With count = m · 2**e, 1 <= m < 2:  mean = half_up((sum · 2**8 >> e) · (1/m)), limited to ±127.
    At most one unit from the exact mean.
    """
    exponent = bit_length(counts) - 1
    fraction = (counts << (RECIPROCAL.in_bits - exponent)) & ((1 << RECIPROCAL.in_bits) - 1)
    scaled = (sums << MEAN_GUARD) >> exponent[:, None, None]
    mean = shift_round(
        scaled * look_up(RECIPROCAL, fraction)[:, None, None], MEAN_GUARD + RECIPROCAL_FRACTION, "half_up"
    )
    return clip(mean, -KEY_MAX, KEY_MAX)


def score_unit(queries: Tensor, means: Tensor) -> Tensor:
    """Score_cluster = Q · KeyClusterᵀ for one head: [R, head_size] and [C, head_size] to [R, C]."""
    return queries @ means.T
