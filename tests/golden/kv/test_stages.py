"""Every stage of the model against a brute-force statement of what it means."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from golden.kv.block_store import block_store
from golden.kv.hash_unit import hash_unit
from golden.kv.hcu import hcu, pages
from golden.kv.key_table import key_table, mean_unit
from golden.kv.spec import TINY
from golden.kv.wtu import bucket, exact, wtu
from tests.golden.kv.streams import hashes_near


def test_hash_bits(seed: int) -> None:
    torch.manual_seed(seed)
    keys = torch.randint(-127, 128, (50, TINY.heads, TINY.head_size))
    offsets = torch.randint(-200, 200, (TINY.hash_bits,))
    got = hash_unit(keys, offsets, TINY)
    for t in range(50):
        flat = keys[t].flatten().tolist()
        for b in range(TINY.hash_bits):
            total = sum(k if TINY.planes[d] >> b & 1 else -k for d, k in enumerate(flat))
            assert int(got[t]) >> b & 1 == (total > int(offsets[b]))


def test_zero_maps_to_zero() -> None:
    keys = torch.zeros(1, TINY.heads, TINY.head_size, dtype=torch.int64)
    assert int(hash_unit(keys, torch.zeros(TINY.hash_bits, dtype=torch.int64), TINY)[0]) == 0


@pytest.mark.parametrize("threshold", [1, 4, 7])
def test_hcu_joins_the_nearest_founder(threshold: int, seed: int) -> None:
    hashes = hashes_near(TINY, 300, seed=seed, anchors=30)
    result = hcu(hashes, TINY, threshold=threshold)
    founders: list[int] = []
    spilled = 0
    for t, own in enumerate(hashes.tolist()):
        distances = [(own ^ f).bit_count() for f in founders]
        best = min(range(len(founders)), key=lambda c: (distances[c], c)) if founders else -1
        if founders and distances[best] < threshold:
            expected, new, spill = best, 0, 0
        elif len(founders) < TINY.clusters:
            expected, new, spill = len(founders), 1, 0
            founders.append(own)
        else:
            expected, new, spill = best, 0, 1
        spilled += spill
        assert (int(result.cluster[t]), int(result.new[t]), int(result.spilled[t])) == (expected, new, spill)
    assert result.founders.tolist() == founders
    assert spilled > 0, "the full table is tried"


def test_a_distance_of_the_threshold_founds() -> None:
    hashes = torch.tensor([0, 0b1111111, 0b111111])
    assert hcu(hashes, TINY, threshold=7).cluster.tolist() == [0, 1, 1]  # 7 founds; then 1 is nearer than 6
    assert hcu(hashes, TINY, threshold=7, rule="first").cluster.tolist() == [0, 1, 0]


def test_pages() -> None:
    result = pages(torch.arange(10), TINY)
    assert result.cluster.tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 2, 2]
    assert result.new.tolist() == [1, 0, 0, 0, 1, 0, 0, 0, 1, 0]


@given(st.integers(1, 256), st.integers(-127, 127), st.integers(0, 2**32))
def test_means_are_within_a_unit(count: int, key: int, salt: int) -> None:
    g = torch.Generator().manual_seed(salt)
    keys = (key + torch.randint(-30, 31, (count, 1, 4), generator=g)).clip(-127, 127)
    table = key_table(keys, torch.zeros(count, dtype=torch.int64), 1)
    assert table.counts.tolist() == [count]
    mean = mean_unit(table.sums, table.counts)
    assert (mean - keys.double().mean(0)).abs().max() <= 1
    assert mean.abs().max() <= 127


@given(st.integers(0, 2**32), st.integers(1, 1023), st.booleans())
def test_buckets_select_a_superset_of_the_exact_rule(salt: int, code: int, count_mode: bool) -> None:
    g = torch.Generator().manual_seed(salt)
    scores = torch.randint(-40_000, 40_000, (3, 25), generator=g)
    counts = torch.randint(1, 20, (25,), generator=g)
    shifts = torch.randint(9, 14, (3,), generator=g)
    wanted = exact(scores, counts, code, count_mode=count_mode)
    got = wtu(scores, counts, shifts, code, TINY, count_mode=count_mode)
    assert bool((got.selected | ~wanted).all())
    buckets = bucket(scores, shifts, TINY)
    for r in range(3):
        own = buckets[r][got.selected[r]]
        assert int(own.min()) >= int(got.threshold_bucket[r])
        # Not a bucket more than needed: every exact choice but those of the last bucket is above it.
        assert int(buckets[r][wanted[r]].min()) == int(got.threshold_bucket[r]) or not bool(got.selected[r].all())
        assert int(got.visited[r]) == int(got.selected[r].sum())


def test_equal_scores_select_everything() -> None:
    scores = torch.full((1, 5), 7)
    counts = torch.ones(5, dtype=torch.int64)
    assert bool(exact(scores, counts, 300).all())
    assert bool(wtu(scores, counts, torch.zeros(1, dtype=torch.int64), 300, TINY).selected.all())


@given(st.lists(st.integers(0, 9), min_size=1, max_size=200), st.sampled_from([16, 64, 128]))
def test_every_token_has_one_place_or_is_refused(clusters: list[int], blocks: int) -> None:
    spec = replace(TINY, blocks=blocks, near_blocks=16)
    store = block_store(torch.tensor(clusters), 10, spec)
    assert sum(store.fill) + len(store.refused) == len(clusters)
    assert len(store.fill) <= blocks
    assert all(1 <= n <= spec.block_tokens for n in store.fill)
    owned = [b for chain in store.chains for b in chain]
    assert sorted(owned) == list(range(len(store.fill)))
    assert all(chain == sorted(chain) for chain in store.chains)
    if store.refused:
        assert len(store.fill) == blocks


def test_closed_blocks_are_not_reopened() -> None:
    spec = replace(TINY, near_blocks=16)  # eight stay open
    tokens = [0, *range(1, 10), 0]
    store = block_store(torch.tensor(tokens), 10, spec)
    assert store.chains[0] == [0, 10]
    assert store.fill[0] == 1
