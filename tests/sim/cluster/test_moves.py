"""LOAD and STORE of all nodes at once on Verilator: every byte equals the model, and a word a cycle."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from golden.cluster.command import Command, check
from golden.cluster.memory_image import MemoryImage, aligned, program_bytes
from golden.cluster.spec import Move, Op, Status
from hw.cluster.config import tiny
from sim.cluster.player import LinkedMemory
from sim.cluster.run import run
from sim.cluster.workload import ClusterWorkload

CONFIG = tiny()
SPEC = CONFIG.spec
WORDS = 64  # of external memory that are read


def program(moves: list[Command], seed: int) -> ClusterWorkload:
    """The moves, after a LOAD from and before a STORE of the nodes' whole memories.

    `external` of a LOAD counts from the read words, of a STORE from the words that are written.
    """
    ends = [Command(op=op, flits=SPEC.words) for op in (Op.LOAD, Op.STORE)]
    stored = sum(c.flits for c in moves if c.op == Op.STORE) * SPEC.external_bytes
    commands = [ends[0], *moves, replace(ends[1], external=stored)]
    first = aligned(len(program_bytes(commands, SPEC)), SPEC)
    result = first + SPEC.words * SPEC.external_bytes
    placed = [replace(c, external=c.external + (first if c.op == Op.LOAD else result)) for c in commands]
    for command in placed:
        check(command, SPEC)
    data = np.random.default_rng(seed).integers(0, 256, result, np.uint8)
    words = program_bytes(placed, SPEC, watchdog=5000)
    data[: len(words)] = words
    size = stored + SPEC.words * SPEC.external_bytes
    image = MemoryImage(data=data, result_address=result, result_bytes=size)
    return ClusterWorkload(config=CONFIG, commands=tuple(placed), memory=image, names={"op": "moves"})


def random_moves(number: int, seed: int) -> list[Command]:
    rng = np.random.default_rng(seed)
    moves: list[Command] = []
    stored = 0
    for _ in range(number):
        flits, place = int(rng.integers(1, 40)), int(rng.integers(0, 200))
        stride = int(rng.choice([0, 1, flits, 77]))
        outside = int(rng.integers(0, WORDS - flits)) * SPEC.external_bytes
        kind = Move(int(rng.integers(0, 2)))
        if rng.random() < 0.4:
            moves.append(Command(op=Op.STORE, flits=flits, source=place, rank_stride=stride, external=stored))
            stored += flits * SPEC.external_bytes
        else:
            moves.append(
                Command(op=Op.LOAD, kind=kind, flits=flits, target=place, rank_stride=stride, external=outside)
            )
    return moves


@pytest.mark.parametrize(("stalls", "seed"), [(0, 1), (96, 2)])
def test_random_moves(stalls: int, seed: int) -> None:
    """Every kind and stride, parts that overlap too."""
    workload = program(random_moves(40, seed), seed)
    counters = run(workload, memory=LinkedMemory(stalls=stalls, seed=seed), check=True).counters
    assert counters["status"] == Status.DONE


@pytest.mark.parametrize(
    ("op", "kind", "cycles"), [(Op.LOAD, Move.STRIPED, 1), (Op.LOAD, Move.BROADCAST, SPEC.nodes), (Op.STORE, 0, 1)]
)
def test_cycles_a_word(op: Op, kind: Move, cycles: int) -> None:
    """Behind a memory whose latency the read buffer hides."""

    def taken(flits: int) -> int:
        workload = program([Command(op=op, kind=kind, flits=flits)], 1)
        return run(workload, memory=LinkedMemory(latency=4)).counters["cycles"]

    assert taken(320) - taken(64) == 256 * cycles
