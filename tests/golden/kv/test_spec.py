"""The specification refuses what the engine cannot be built for, in one line."""

from __future__ import annotations

from dataclasses import replace

import pytest

from golden.errors import InputError
from golden.kv.spec import DEFAULT, PAPER, RECIPROCAL, TINY, Spec


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"heads": 9}, "heads must lie in 1..8, it is 9"),
        ({"head_size": 48}, "head_size must be a multiple of lanes = 32, it is 48"),
        ({"head_size": 256}, "head_size must lie in 8..128, it is 256"),
        ({"head_size": 16}, "head_size must be a multiple of lanes = 32, it is 16"),
        ({"hamming_threshold": 49}, "hamming_threshold must lie in 1..48, it is 49"),
        ({"hash_bits": 16, "hamming_threshold": 17}, "Th_hd must lie in 1..hash_bits = 16, it is 17"),
        ({"wicsum_code": 0}, "wicsum_code must lie in 1..1023, it is 0"),
        ({"tokens": 65536}, "tokens must lie in 64..32768, it is 65536"),
        ({"heads": 3}, "heads · head_size / lanes must be at least 4, 3 · 32 / 32 is 3"),
        ({"lanes": 4}, "rows must not exceed 2 · lanes - 4 = 4, whose shifts fit in a memory word, it is 16"),
        ({"block_tokens": 64, "head_size": 64}, "block_tokens · head_size / lanes is 128"),
        ({"blocks": 256}, "near_blocks must not exceed blocks = 256, it is 512"),
        ({"rows": 2.0}, "rows must lie in 2..16, it is 2.0"),
    ],
)
def test_refused(changes: dict[str, int], message: str) -> None:
    with pytest.raises(InputError) as refusal:
        replace(DEFAULT, **changes)
    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("spec", [DEFAULT, TINY, PAPER])
def test_widths_hold_the_extremes(spec: Spec) -> None:
    assert 127 * spec.tokens < 1 << (spec.sum_bits - 1)
    assert spec.tokens < 1 << spec.count_bits
    assert 127 * 127 * spec.head_size < 1 << (spec.score_bits - 1)
    assert 127 * 127 * spec.head_size * spec.tokens < 1 << (spec.weight_bits - 1)


def test_planes_are_seeded_and_balanced() -> None:
    signs = DEFAULT.key_size * DEFAULT.hash_bits
    ones = sum(word.bit_count() for word in DEFAULT.planes)
    assert abs(ones - signs / 2) < 4 * signs**0.5 / 2
    assert DEFAULT.planes == Spec().planes != replace(DEFAULT, plane_seed=8).planes


def test_reciprocal_is_within_two_units() -> None:
    assert RECIPROCAL.max_error < 2
