"""Slack: RTL equals the model, and each slack comes out beside its own node."""

from __future__ import annotations

import random

import pytest
import torch

from golden.lod.size_check import Decision, slack
from golden.lod.spec import DISTANCE_BITS, DOUBLE_BITS, Spec
from hw.lib.fields import pack, unpack_nested
from hw.lod.config import Config
from hw.lod.slack import Slack
from tests.hw.lib.simulate import run_datapath

NODES = 400


def comparison(rng: random.Random) -> tuple[int, int]:
    """Both sides of a comparison: of any magnitude, close together, or with the camera in the box."""
    left = rng.randrange(1 << rng.randrange(DOUBLE_BITS - 7, DOUBLE_BITS), 1 << DOUBLE_BITS)
    near = left + rng.randrange(-(left >> 10), left >> 10)
    right = rng.choice([rng.randrange(1 << DOUBLE_BITS - 7, 1 << DOUBLE_BITS), near, left, 0])
    return left, min(right, (1 << DOUBLE_BITS) - 1)


@pytest.mark.parametrize("spec", [Spec(), Spec(box_bits=16, size_bits=8)])
def test_equals_the_model(spec: Spec, seed: int) -> None:
    rng = random.Random(seed)
    pairs = [comparison(rng) for _ in range(NODES)]
    zeros = [rng.randrange(DISTANCE_BITS) for _ in range(NODES)]
    left, right = (torch.tensor(side) for side in zip(*pairs, strict=True))
    decision = Decision(big=(left >= right).long(), left=left, right=right, zeros=torch.tensor(zeros))
    dut = Slack(config=Config(spec=spec))
    commit = dut.i.shape()["commit"].shape
    commits = [unpack_nested(rng.getrandbits(commit.size), commit) | {"big": int(a >= b)} for a, b in pairs]
    rows = [
        {"commit": c, "left": a, "right": b, "zeros": z} for c, (a, b), z in zip(commits, pairs, zeros, strict=True)
    ]
    bits = run_datapath(dut, [pack(dut.i.shape(), row) for row in rows])
    got = [unpack_nested(word, dut.o.shape()) for word in bits]
    assert [each["slack"] for each in got] == slack(spec, decision).tolist()
    assert [each["commit"] for each in got] == commits
