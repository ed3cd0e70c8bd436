"""Frustum check: RTL equals the model, box by box, near and far."""

from __future__ import annotations

import random

import pytest
import torch

from golden.lod.frustum_check import outside
from hw.lod.frustum_check import FrustumCheck
from tests.hw.lib.simulate import run_datapath

BOXES = 400


@pytest.mark.parametrize("reach", [6, 12, 17, 18, 22, 24])
def test_equals_the_model(reach: int, seed: int) -> None:
    rng = random.Random(seed)
    planes = [[rng.randrange(-2047, 2048) for _ in range(3)] for _ in range(4)]
    planes[rng.randrange(4)] = [0, 0, 0]
    # Sides all but on the planes too: there the guard decides.
    low = [[rng.randrange(-(1 << reach), 1 << reach) for _ in range(3)] for _ in range(BOXES)]
    high = [[min(v + rng.randrange(1 << reach - 2), (1 << 25) - 1) for v in row] for row in low]
    dut = FrustumCheck()
    shape = dut.i.shape()
    words = [shape.const({"low": a, "high": b}).as_value().value for a, b in zip(low, high, strict=True)]
    got = run_datapath(dut, words, held={"planes": planes})
    wanted = outside(torch.tensor(planes), torch.tensor(low), torch.tensor(high), torch.zeros(3, dtype=torch.int64))
    assert got == wanted.tolist()
    if reach > 12:
        assert 0 < sum(got) < BOXES
