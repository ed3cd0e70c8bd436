"""The best scores of many decoded tokens at once: rows joined, what is out of reach hidden, ties settled."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def joined_scores(scores: Tensor, largest: Tensor) -> Tensor:
    """max over a group's rows of a score less its row's reference: [group, M, T], [group, M, 1] to [M, T].

    The scores are overwritten.
    """
    return scores.sub_(largest).amax(0)


def hide(scores: Tensor, ends: Tensor) -> Tensor:
    """Scores [..., M, T], -∞ where a row's `ends` [M], which rise one by one to T, are passed. Overwritten."""
    rows, tokens = scores.shape[-2:]
    beyond = torch.arange(tokens - rows, tokens) >= ends[:, None]
    scores[..., tokens - rows :].masked_fill_(beyond, -torch.inf)
    return scores


def best(scores: Tensor, kept: Tensor, count: Tensor) -> Tensor:
    """What is `kept` [M, T], and of the rest the largest of each row of scores [M, T], `count` [M] tokens in all.

    Ties go to the earliest. More than `count` are kept, where more are kept already. bool [M, T]
    """
    scores, count = scores.masked_fill(kept, torch.inf), torch.maximum(count, kept.sum(1))[:, None]
    places = scores.shape[1]
    most = max(int(count.max()), 1)
    upper = np.partition(scores.numpy(), places - most, axis=1)[:, places - most :]  # a third of `topk`'s time
    least = torch.from_numpy(np.sort(upper, axis=1)).gather(1, (most - count).clip(max=most - 1))
    chosen = (scores >= least) & (count > 0)
    tied = (chosen.sum(1, keepdim=True) > count).flatten().nonzero().flatten()
    if len(tied):
        above, level = scores[tied] > least[tied], scores[tied] == least[tied]
        chosen[tied] = above | (level & (level.cumsum(1) <= count[tied] - above.sum(1, keepdim=True)))
    return chosen
