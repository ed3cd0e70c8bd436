"""LOAD and STORE against their definition, flit by flit."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from golden.cluster.command import Command
from golden.cluster.memory_image import from_lanes, to_lanes
from golden.cluster.model import Cluster
from golden.cluster.spec import Move, Op, Spec

NODES = pytest.mark.parametrize("nodes", [2, 4, 32])
FLITS, START, FIRST = 6, 40, 3  # words moved, address in the nodes, number of the first word outside


def random_bytes(spec: Spec, words: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, words * spec.external_bytes, np.uint8)


def flit(data: np.ndarray, spec: Spec, word: int, lane: int) -> list[int]:
    first = word * spec.external_bytes + lane * spec.flit_bytes
    return data[first : first + spec.flit_bytes].view("<u4").tolist()


@NODES
@pytest.mark.parametrize("kind", [Move.STRIPED, Move.BROADCAST])
@pytest.mark.parametrize("stride", [0, 1, FLITS, 9])
def test_load(nodes: int, kind: Move, stride: int, seed: int) -> None:
    """Also where parts overlap: word after word, lane after lane, the last one stays."""
    spec = Spec(nodes=nodes, link_width=64, memory_kib=4)
    data = random_bytes(spec, FIRST + FLITS, seed)
    cluster = Cluster(spec)
    expected = cluster.memory.clone()
    for word in range(FLITS):
        for lane in range(nodes):
            for node in range(nodes) if kind == Move.BROADCAST else [lane]:
                expected[node, START + lane * stride + word] = torch.tensor(flit(data, spec, FIRST + word, lane))
    external = FIRST * spec.external_bytes
    cluster.run(
        [Command(op=Op.LOAD, kind=kind, flits=FLITS, target=START, external=external, rank_stride=stride)], data
    )
    assert torch.equal(cluster.memory, expected)


@NODES
@pytest.mark.parametrize("stride", [0, 9])
def test_store(nodes: int, stride: int, seed: int) -> None:
    spec = Spec(nodes=nodes, link_width=64, memory_kib=4)
    cluster = Cluster(spec)
    generator = torch.Generator().manual_seed(seed)
    cluster.memory[:] = torch.randint(0, 1 << 32, cluster.memory.shape, generator=generator)
    data = random_bytes(spec, FIRST + FLITS + 1, seed)
    before = data.copy()
    external = FIRST * spec.external_bytes
    cluster.run([Command(op=Op.STORE, flits=FLITS, source=START, external=external, rank_stride=stride)], data)
    for word in range(FIRST + FLITS + 1):
        for lane in range(nodes):
            inside = FIRST <= word < FIRST + FLITS
            place = START + lane * stride + word - FIRST
            expected = cluster.memory[lane, place].tolist() if inside else flit(before, spec, word, lane)
            assert flit(data, spec, word, lane) == expected


@NODES
def test_lanes(nodes: int, seed: int) -> None:
    """Lane b of word i is flit i of node b's part, and back."""
    spec = Spec(nodes=nodes, link_width=64)
    data = random_bytes(spec, FLITS, seed)
    parts = from_lanes(data, spec)
    assert parts[1, 2 * spec.flit_bytes :][: spec.flit_bytes].view("<u4").tolist() == flit(data, spec, 2, 1)
    assert np.array_equal(to_lanes(parts, spec), data)
