"""The two parts of a merge: its factors and its lanes."""

from __future__ import annotations

import random
from itertools import product

import torch

from golden.cluster.combine import merge_factors, merge_words
from golden.float_format import SINGLE
from hw.cluster.merge_lane import MergeLane
from hw.cluster.merge_scale import MergeScale
from hw.lib.fields import pack, unpack_nested
from tests.hw.cluster.numbers import single
from tests.hw.lib.simulate import run_datapath

SPECIAL = [0, SINGLE.sign, SINGLE.one, SINGLE.infinity, SINGLE.negative_infinity, SINGLE.nan, 0x80000001]


def test_merge_scale(rng: random.Random) -> None:
    """Every pair of special maxima, and ordinary ones of which some are equal."""
    pairs = [*product(SPECIAL, SPECIAL), *((single(rng), single(rng)) for _ in range(200))]
    pairs += [(m, m) for m in (single(rng) for _ in range(10))]
    rng.shuffle(pairs)
    dut = MergeScale()
    got = run_datapath(dut, [pack(dut.i.shape(), {"m1": a, "m2": b}) for a, b in pairs])
    expected = zip(*(part.tolist() for part in merge_factors(*torch.tensor(pairs).unbind(1))), strict=True)
    for pair, bits, (top, a, b) in zip(pairs, got, expected, strict=True):
        assert unpack_nested(bits, dut.o.shape()) == {"top": top, "a": a, "b": b}, pair


def test_merge_lane(rng: random.Random) -> None:
    names = ("own", "received", "a", "b")
    cases = [[single(rng) if rng.random() < 0.9 else rng.choice(SPECIAL) for _ in names] for _ in range(300)]
    dut = MergeLane()
    got = run_datapath(dut, [pack(dut.i.shape(), dict(zip(names, case, strict=True))) for case in cases])
    assert got == merge_words(*torch.tensor(cases).unbind(1)).tolist()
