"""Datapaths of the KV-retrieval engine against the model, one input a cycle."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
import torch
from amaranth.hdl import Value

from golden.kv.key_table import mean_unit
from golden.kv.spec import DEFAULT, TINY, Spec
from hw.kv.hamming_array import HammingArray
from hw.kv.mean_unit import MeanUnit
from hw.lib.fields import pack
from tests.hw.lib.simulate import run_datapath


@pytest.mark.parametrize(("bits", "lanes"), [(32, 16), (32, 4), (8, 2), (48, 64)])
def test_hamming_array(bits: int, lanes: int, seed: int) -> None:
    rng = random.Random(seed)
    dut = HammingArray(bits=bits, lanes=lanes)
    rows = []
    for _ in range(60):
        own = rng.getrandbits(bits)
        table = [own ^ (1 << rng.randrange(bits)) ^ (1 << rng.randrange(bits)) for _ in range(lanes)]
        rows.append({"hash": own, "row": table, "valid": rng.choice([0, (1 << lanes) - 1, rng.getrandbits(lanes)])})
    expected = []
    for row in rows:
        distances = [
            (row["hash"] ^ h).bit_count() if row["valid"] >> k & 1 else bits + 1 for k, h in enumerate(row["row"])
        ]
        best = min(range(lanes), key=lambda k: (distances[k], k))
        expected.append({"distance": distances[best], "lane": best})
    got = run_datapath(dut, [pack(dut.i.shape(), row) for row in rows])
    assert got == [pack(dut.o.shape(), row) for row in expected]


@pytest.mark.parametrize("spec", [TINY, replace(DEFAULT, lanes=8)])
def test_mean_unit(spec: Spec, seed: int) -> None:
    rng = random.Random(seed)
    dut = MeanUnit(spec=spec)
    counts = [1, 2, 3, spec.tokens, spec.tokens - 1, *(rng.randint(1, spec.tokens) for _ in range(60))]
    sums = [[rng.choice([127, -127, rng.randint(-127, 127)]) * n for _ in range(spec.lanes)] for n in counts]
    means = mean_unit(torch.tensor(sums)[:, None], torch.tensor(counts))[:, 0].tolist()
    inputs = [{"sums": {"lane": s}, "count": n} for s, n in zip(sums, counts, strict=True)]
    got = run_datapath(dut, [pack(dut.i.shape(), i) for i in inputs])
    assert got == [pack(dut.o.shape(), {"means": m}) for m in means]
    assert len(Value.cast(dut.o)) == 8 * spec.lanes
