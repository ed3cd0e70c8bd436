"""Collectives against their definitions, the publication's loops, its traffic formulae, and torch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from golden import floats
from golden.cluster.command import Command
from golden.cluster.model import Cluster
from golden.cluster.reference import reduce_sum, softmax_merge
from golden.cluster.spec import SCHEDULES, ElementType, Kind, Op, Schedule, Spec
from golden.cluster.turns import traffic
from golden.float_format import HALF, SINGLE

NODES = pytest.mark.parametrize("nodes", [2, 4, 8, 16, 32])
NOTHING = np.zeros(0, np.uint8)
TARGET = 256  # flits


def cluster(nodes: int, seed: int) -> Cluster:
    """Random bits in all memories."""
    result = Cluster(Spec(nodes=nodes, link_width=64, memory_kib=64))
    generator = torch.Generator().manual_seed(seed)
    result.memory[:] = torch.randint(0, 1 << 32, result.memory.shape, generator=generator)
    return result


@NODES
@pytest.mark.parametrize("op", [Op.BARRIER, Op.REDUCE, Op.GATHER, Op.REDUCE_SCATTER, Op.BROADCAST])
def test_definitions_and_traffic(op: Op, nodes: int, seed: int) -> None:
    """Every schedule gives the definition's result, moves the formula's flits, and leaves the rest alone."""
    for schedule in SCHEDULES[op]:
        flits, chunk, root = 2 * nodes, 2, nodes - 1
        target = TARGET if op in (Op.REDUCE, Op.REDUCE_SCATTER) else 0
        c = cluster(nodes, seed)
        before = c.memory.clone()
        command = Command(op=op, schedule=schedule, format=ElementType.INTEGER, flits=flits, target=target, root=root)
        c.run([command], NOTHING)
        total = before[:, :flits].sum(0) & 0xFFFFFFFF
        expected = before.clone()
        if op == Op.REDUCE:
            expected[:, TARGET : TARGET + flits] = total
        if op == Op.BROADCAST:
            expected[:, :flits] = before[root, :flits]
        for b in range(nodes):
            own = slice(b * flits, (b + 1) * flits)
            if op == Op.GATHER:
                expected[:, own] = before[b, own]
            if op == Op.REDUCE_SCATTER:
                part = slice(TARGET + b * chunk, TARGET + (b + 1) * chunk)
                expected[b, part] = total[b * chunk : (b + 1) * chunk]
                c.memory[b, TARGET : TARGET + flits] = torch.where(  # the rest of the target is scratch
                    torch.arange(flits)[:, None] // chunk == b,
                    c.memory[b, TARGET : TARGET + flits],
                    expected[b, TARGET : TARGET + flits],
                )
        assert torch.equal(c.memory, expected), schedule
        assert c.sent == traffic(command, c.spec)


@NODES
def test_traffic_of_the_publication(nodes: int) -> None:
    """Eq. 3: Reduce(size, N) = size·log2N·N, Gather(size, N) = size·(2^(log2(N/2)+1) - 1)·N."""
    spec = Spec(nodes=nodes)
    rounds = nodes.bit_length() - 1
    for schedule in (Schedule.XOR, Schedule.ROTATE):
        assert traffic(Command(op=Op.REDUCE, schedule=schedule, flits=3), spec) == 3 * rounds * nodes
        gathered = 3 * (2 ** (rounds - 1 + 1) - 1) * nodes
        assert traffic(Command(op=Op.GATHER, schedule=schedule, flits=3), spec) == gathered == 3 * (nodes - 1) * nodes


def published_reduce(messages: Tensor) -> Tensor:
    """Alg. 1, as printed: stride doubles, block b receives from b - stride and adds."""
    local, stride = messages, 1
    while stride < len(messages):
        received = local.roll(stride, 0)
        local = floats.add(local, received, SINGLE)
        stride *= 2
    return local


def xor_reduce(messages: Tensor) -> Tensor:
    """Recursive doubling, as a loop."""
    local, stride = messages, 1
    while stride < len(messages):
        local = floats.add(local, local[torch.arange(len(messages)) ^ stride], SINGLE)
        stride *= 2
    return local


def ring_reduce(messages: Tensor) -> Tensor:
    """Chunk c is summed from node c upwards: ((d_c + d_c+1) + d_c+2) …"""
    nodes = len(messages)
    chunks = messages.unflatten(1, (nodes, -1))
    sums = []
    for c in range(nodes):
        total = chunks[c, c]
        for step in range(1, nodes):
            total = floats.add(chunks[(c + step) % nodes, c], total, SINGLE)
        sums.append(total)
    return torch.cat(sums).expand(nodes, -1)


def normal(shape: tuple[int, ...], seed: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@NODES
@pytest.mark.parametrize(
    ("schedule", "loop"),
    [(Schedule.ROTATE, published_reduce), (Schedule.XOR, xor_reduce), (Schedule.RING, ring_reduce)],
)
def test_order_of_additions(nodes: int, schedule: Schedule, loop, seed: int) -> None:
    """Bit by bit as the schedule's own loop; only the publication's order leaves different bits on the nodes."""
    words = floats.to_codes(normal((nodes, 256), seed))
    c = Cluster(Spec(nodes=nodes, link_width=64, memory_kib=4))
    c.memory[:, :128] = words.reshape(nodes, 128, 2)
    c.run([Command(op=Op.REDUCE, schedule=schedule, flits=128)], NOTHING)
    got = c.memory[:, :128].flatten(1)
    assert torch.equal(got, loop(words))
    same = bool((got == got[0]).all())
    assert same == (schedule != Schedule.ROTATE or nodes == 2)
    exact = reduce_sum(floats.to_values(words, SINGLE))
    assert (floats.to_values(got, SINGLE) - exact).abs().max() < nodes * 2.0**-20


@pytest.mark.parametrize("kind", [Kind.MAX, Kind.MIN])
@pytest.mark.parametrize("form", [ElementType.HALF, ElementType.SINGLE, ElementType.INTEGER])
def test_extremes(kind: Kind, form: ElementType, seed: int) -> None:
    c = cluster(8, seed)
    dtype = {ElementType.HALF: torch.float16, ElementType.SINGLE: torch.float32, ElementType.INTEGER: torch.int32}[form]
    values = (100 * normal((8, 64), seed)).to(dtype)
    words = torch.from_numpy(values.numpy().view("<u4").astype(np.int64)).reshape(8, -1, 2)
    length = words.shape[1]
    c.memory[:, :length] = words
    c.run([Command(op=Op.REDUCE, format=form, kind=kind, flits=length)], NOTHING)
    best = values.amax(0) if kind == Kind.MAX else values.amin(0)
    expected = torch.from_numpy(best.numpy().view("<u4").astype(np.int64)).reshape(-1, 2)
    assert torch.equal(c.memory[5, :length], expected)


def test_mixed_adds_in_single_precision(seed: int) -> None:
    """Half in, single out: what half precision would have lost is kept."""
    values = normal((4, 64), seed).half()
    c = Cluster(Spec(nodes=4, link_width=64, memory_kib=4))
    c.memory[:, :16] = torch.from_numpy(values.numpy().view("<u4").astype(np.int64)).reshape(4, 16, 2)
    for schedule in Schedule:
        c.run([Command(op=Op.REDUCE, schedule=schedule, format=ElementType.MIXED, flits=32, target=64)], NOTHING)
        got = floats.to_values(c.memory[:, 64:96].flatten(1), SINGLE)
        assert (got - reduce_sum(values)).abs().max() < 2.0**-20
    c.run([Command(op=Op.REDUCE, format=ElementType.HALF, flits=16)], NOTHING)
    coarse = floats.to_values(torch.stack([c.memory[0, :16] & 0xFFFF, c.memory[0, :16] >> 16], -1).flatten(), HALF)
    assert (coarse - reduce_sum(values)).abs().max() > 2.0**-12


@NODES
@pytest.mark.parametrize("schedule", list(Schedule))
def test_softmax_merge(nodes: int, schedule: Schedule, seed: int) -> None:
    """(m, l, o) of all shares, within 2e-4 of float64; an empty share (-inf, 0, 0) changes nothing."""
    width, record = 2, 4  # 2 words of m, l; 6 of o
    maxima, sums = 10 * normal((nodes,), seed), 1 + normal((nodes,), seed + 1).abs()
    outputs = normal((nodes, 6), seed + 2)
    maxima[0], sums[0], outputs[0] = -torch.inf, 0, 0
    words = floats.to_codes(torch.cat([maxima[:, None], sums[:, None], outputs], 1)).reshape(nodes, record, width)
    c = Cluster(Spec(nodes=nodes, link_width=64, memory_kib=4))
    repeats = nodes if schedule == Schedule.RING else 1
    c.memory[:, : record * repeats] = words.repeat(1, repeats, 1)
    flits = record * repeats
    c.run([Command(op=Op.REDUCE, schedule=schedule, kind=Kind.MERGE, record=record, flits=flits)], NOTHING)
    got = floats.to_values(c.memory[:, :record].flatten(1), SINGLE)
    m, total, o = softmax_merge(maxima, sums, outputs)
    assert torch.equal(got[:, 0], m.float().expand(nodes))
    assert (got[:, 1] - total).abs().max() < 2e-4 * total
    assert (got[:, 2:] - o).abs().max() < 2e-4 * total
    if schedule != Schedule.ROTATE:
        assert (got == got[0]).all()
