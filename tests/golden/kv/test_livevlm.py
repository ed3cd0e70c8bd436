"""Vision-sink bucketing and position-agnostic retrieval."""

from __future__ import annotations

import pytest
import torch

from golden.errors import InputError
from golden.kv.livevlm import (
    page_means,
    page_scores,
    position_agnostic_retrieval,
    rotate,
    vision_sink_bucketing,
    vision_sink_scores,
)


def test_bucketing_by_hand() -> None:
    """Ten tokens, five buckets of one: two best unconditionally, then the best whose bucket is free."""
    scores = torch.tensor([0.0, 9.0, 8.0, 1.0, 2.0, 7.0, 3.0, 4.0, 5.0, 6.0])
    keep = vision_sink_bucketing(scores, budget=5, capacity=1, unconditional=2)
    assert keep.nonzero().flatten().tolist() == [1, 2, 5, 7, 9]
    overflow = vision_sink_bucketing(torch.tensor([9.0, 8.0, 1.0, 0.0]), budget=2, capacity=1, unconditional=2)
    assert overflow.tolist() == [True, True, False, False], "phase 1 may overflow a bucket"
    assert vision_sink_bucketing(scores[:3], budget=5, capacity=1, unconditional=0).all()
    with pytest.raises(InputError, match="must divide the budget 5, it is 2"):
        vision_sink_bucketing(scores, budget=5, capacity=2, unconditional=0)
    with pytest.raises(InputError, match=r"must lie in 0\.\.5, they are 6"):
        vision_sink_bucketing(scores, budget=5, capacity=1, unconditional=6)


def test_sink_scores_are_a_distribution(seed: int) -> None:
    torch.manual_seed(seed)
    scores = vision_sink_scores(torch.randn(4, 8), torch.randn(30, 8), 0.3)
    assert float(scores.sum()) == pytest.approx(1, abs=1e-5)


def test_rotation_is_removed_and_restored(seed: int) -> None:
    torch.manual_seed(seed)
    keys, positions = torch.randn(64, 16).double(), torch.arange(64) + 1000
    rotated = rotate(keys, positions)
    assert torch.allclose(rotate(rotated, -positions), keys, atol=1e-9)
    a, b = rotate(keys[:1], torch.tensor([7])), rotate(keys[1:2], torch.tensor([12]))
    c, d = rotate(keys[:1], torch.tensor([107])), rotate(keys[1:2], torch.tensor([112]))
    assert torch.allclose((a * b).sum(), (c * d).sum()), "a product depends on the difference of positions alone"


def test_retrieval_ignores_positions(seed: int) -> None:
    """The same content at other positions gives the same pages, and each key returns as it was cached."""
    torch.manual_seed(seed)
    bare, queries = torch.randn(160, 16).double(), torch.randn(5, 16).double()
    for first in (0, 5000):
        positions = torch.arange(160) + first
        cached = rotate(bare, positions)
        chosen, keys = position_agnostic_retrieval(queries, cached, positions, 0.25)
        assert int(chosen.sum()) == 64, "40 % of ten pages"
        assert torch.allclose(keys, cached[chosen], atol=1e-9)
        best = page_scores(queries, page_means(bare, 16), 0.25).argsort(descending=True)[:4]
        assert sorted(best.tolist()) == sorted((chosen.nonzero().flatten()[::16] // 16).tolist())
