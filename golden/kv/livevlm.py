"""LiveVLM in plain float32: vision-sink bucketing (VSB) and position-agnostic retrieval (PaR)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from golden.errors import InputError

Pooling = Literal["softmax", "linear", "max"]


def vision_sink_scores(queries: Tensor, keys: Tensor, scale: float) -> Tensor:
    """S: attention of the last r tokens' queries [r, d] to all keys [L, d], mean over the r rows. [L]"""
    return torch.softmax(queries @ keys.T * scale, 1).mean(0)


def vision_sink_bucketing(scores: Tensor, *, budget: int, capacity: int, unconditional: int) -> Tensor:
    """Tokens to keep, bool [L]: VSB's two phases.

    Token p (from 1) belongs to bucket ceil(p / (L / N)), N = budget / capacity. The best
    `unconditional` tokens (R) are kept whatever their bucket holds, so that a bucket may overflow;
    then, in falling score, a token is kept if its bucket has room, until `budget` tokens are kept.

    Raises:
        InputError: capacity does not divide the budget, or R exceeds it.
    """
    if capacity < 1 or budget % capacity:
        raise InputError(f"kv: the bucket capacity must divide the budget {budget}, it is {capacity}")
    if not 0 <= unconditional <= budget:
        raise InputError(f"kv: unconditional tokens must lie in 0..{budget}, they are {unconditional}")
    length = len(scores)
    buckets = budget // capacity
    keep = torch.zeros(length, dtype=torch.bool)
    if budget >= length:
        return ~keep
    held = [0] * buckets
    kept = 0
    for rank, place in enumerate(scores.argsort(descending=True, stable=True).tolist()):
        own = place * buckets // length
        if kept == budget:
            break
        if rank < unconditional or held[own] < capacity:
            keep[place] = True
            held[own] += 1
            kept += 1
    return keep


def rotate(vectors: Tensor, positions: Tensor, *, base: float = 10_000.0) -> Tensor:
    """Rotary embedding of [T, d] at `positions` [T]; minus the positions removes it. Halves are paired."""
    half = vectors.shape[1] // 2
    angle = positions[:, None] * base ** (-torch.arange(half) / half)
    a, b = vectors[:, :half], vectors[:, half:]
    return torch.cat([a * angle.cos() - b * angle.sin(), a * angle.sin() + b * angle.cos()], 1)


def page_means(keys: Tensor, page: int) -> Tensor:
    """Mean key of every page of neighbours; the last may be short. [pages, d]"""
    place = torch.arange(len(keys)) // page
    count = int(place[-1]) + 1
    sums = keys.new_zeros(count, keys.shape[1]).index_add_(0, place, keys)
    return sums / torch.bincount(place, minlength=count)[:, None]


def page_scores(queries: Tensor, means: Tensor, scale: float, *, pooling: Pooling = "softmax") -> Tensor:
    """A page's score from all rows of the question: mean softmax, mean logit, or largest logit. [pages]"""
    logits = queries @ means.T * scale
    if pooling == "softmax":
        return torch.softmax(logits, 1).mean(0)
    return logits.mean(0) if pooling == "linear" else logits.max(0).values


def best_pages(scores: Tensor, tokens: int, page: int, share: float) -> Tensor:
    """Tokens of the best pages that together hold at most `share` of the cache, at least one page. bool [T]"""
    count = max(1, int(share * len(scores)))
    chosen = torch.zeros(len(scores), dtype=torch.bool)
    chosen[scores.argsort(descending=True, stable=True)[:count]] = True
    return chosen.repeat_interleave(page)[:tokens]


def position_agnostic_retrieval(
    queries: Tensor, keys: Tensor, positions: Tensor, scale: float, *, page: int = 16, share: float = 0.4,
    pooling: Pooling = "softmax",
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Chooses pages without positions, and gives the chosen keys back with their positions.

    Args:
        queries: of the question, before rotation [R, d]. keys: rotated, as they are cached [T, d].

    Returns:
        bool [T], and the retrieved keys, rotated to their original positions.
    """
    bare = rotate(keys, -positions)
    chosen = best_pages(page_scores(queries, page_means(bare, page), scale, pooling=pooling), len(keys), page, share)
    return chosen, rotate(bare[chosen], positions[chosen])
