"""Decode attention with its merge in RTL: random heads of 64 and 128, and the real cache."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from golden.cluster.spec import Schedule
from hw.cluster.config import tiny
from sim.suites.decode import decode
from sim.workloads.cluster import LinkSettings

BOUND = 1e-4  # of the largest output, to float64 attention


@pytest.mark.parametrize(("head", "queries"), [(64, 3), (128, 1)])
def test_random_heads(head: int, queries: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    q, k, v = (torch.randn((n, head), generator=generator) for n in (queries, 300, 300))
    done = decode(tiny(), q, k, v, head**-0.5, links=LinkSettings(pauses=64))
    assert done.report["quality"]["max_error"] < BOUND
    assert done.report["quality"]["same_on_all_nodes"]
    assert done.report["counters"]["collective_cycles"] < done.report["unfused"]["cycles"]


@pytest.mark.parametrize("schedule", list(Schedule))
def test_real_cache(schedule: Schedule, shared_data: Path) -> None:
    """4,096 real tokens of layer 2, four queries, by every schedule."""
    with np.load(shared_data / "kv" / "pydoc_small.npz") as data:
        q, k, v = (torch.from_numpy(data[name][2, 3].astype(np.float32)) for name in "QKV")
        scale = float(data["scale"])
    done = decode(tiny(), q[:4], k, v, scale, schedule=schedule)
    assert done.report["quality"]["max_error"] < BOUND
    assert done.report["workload"]["tokens"] == 4096
