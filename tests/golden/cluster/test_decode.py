"""Shares of a cache, merged, are the attention over all of it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from golden import floats
from golden.cluster.command import Command
from golden.cluster.decode import attention, finish, record_flits, records
from golden.cluster.model import Cluster
from golden.cluster.spec import Kind, Op, Schedule, Spec
from golden.errors import InputError


def merged(messages: torch.Tensor, spec: Spec, schedule: Schedule) -> torch.Tensor:
    """The records [N, Q, words] after the network's merge, of node 0."""
    cluster = Cluster(spec)
    words = floats.to_codes(messages).reshape(spec.nodes, -1, spec.link_width // 32)
    cluster.memory[:, : words.shape[1]] = words
    flits = words.shape[1]
    record = flits // messages.shape[1]
    command = Command(op=Op.REDUCE, schedule=schedule, kind=Kind.MERGE, record=record, flits=flits)
    cluster.run([command], np.zeros(0, np.uint8))
    codes = cluster.memory[0, :flits].flatten().to(torch.int32)
    return codes.view(torch.float32).reshape(messages.shape[1:])


@pytest.mark.parametrize("nodes", [2, 4, 8, 16])
@pytest.mark.parametrize("tokens", [3, 1000])
def test_attention(nodes: int, tokens: int, seed: int) -> None:
    """Also with fewer tokens than nodes: empty shares change nothing."""
    generator = torch.Generator().manual_seed(seed)
    q, k, v = (torch.randn((n, 64), generator=generator) for n in (16, tokens, tokens))
    spec = Spec(nodes=nodes, link_width=128, memory_kib=64)
    output = finish(merged(records(q, k, v, 64**-0.5, spec), spec, Schedule.XOR), 64)
    exact = torch.stack([attention(query, k, v, 64**-0.5) for query in q])
    assert (output - exact).abs().max() < 1e-4 * exact.abs().max()


@pytest.mark.parametrize("layer", range(3))
def test_real_cache(layer: int, shared_data) -> None:
    """Real keys and values, 4,096 tokens over 4 nodes: within 1e-4 of float64 attention."""
    with np.load(shared_data / "kv" / "pydoc_small.npz") as data:
        q, k, v = (torch.from_numpy(data[name][layer, 1].astype(np.float32)) for name in "QKV")
        scale = float(data["scale"])
    spec = Spec(nodes=4, link_width=128, memory_kib=64)
    output = finish(merged(records(q[:8], k, v, scale, spec), spec, Schedule.XOR), 32)
    exact = torch.stack([attention(query, k, v, scale) for query in q[:8]])
    assert (output - exact).abs().max() < 1e-4 * exact.abs().max()


def test_record_flits() -> None:
    assert [record_flits(d, Spec(link_width=128)) for d in (1, 2, 3, 64, 128)] == [1, 1, 2, 17, 33]


def test_refused() -> None:
    q, k = torch.zeros(1, 4), torch.zeros(8, 4)
    with pytest.raises(InputError, match=r"queries must be \[Q, d\]"):
        records(q, k, torch.zeros(7, 4), 1.0, Spec())
    with pytest.raises(InputError, match="keys must be finite"):
        records(q, k * torch.nan, k, 1.0, Spec())
