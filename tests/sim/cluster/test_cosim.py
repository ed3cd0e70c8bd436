"""The whole network on Verilator: every collective equals the model; faults end with a status."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from golden.cluster.command import Command
from golden.cluster.memory_image import MemoryImage, aligned, program_bytes, to_lanes
from golden.cluster.spec import INDEPENDENT, SCHEDULES, ElementType, Kind, Op, Schedule, Status
from golden.cluster.turns import traffic
from hw.cluster.config import Config, tiny
from sim.cluster.player import LinkedMemory
from sim.cluster.run import PROGRAM, run
from sim.cluster.workload import ClusterWorkload, prepare, random_messages
from sim.kernel.run import simulate

CONFIG = tiny()
SERIAL = replace(CONFIG, serial=1)
SPEC = CONFIG.spec
SIZE = 128  # bytes of a message
SLOT = SIZE // SPEC.flit_bytes  # flits


def everything() -> list[Command]:
    """Every operation, schedule, format and kind, each with its own message and result in a node's memory."""
    reductions = [
        Command(op=op, schedule=schedule, format=form, kind=kind, flits=2 * SLOT if form == ElementType.MIXED else SLOT)
        for op, schedule, form, kind in product((Op.REDUCE, Op.REDUCE_SCATTER), Schedule, ElementType, Kind)
        if schedule in SCHEDULES[op] and (kind != Kind.MERGE or form == ElementType.SINGLE)
    ]
    reductions = [replace(c, record=2) if c.kind == Kind.MERGE else c for c in reductions]
    others = [
        Command(op=op, schedule=schedule, flits=SLOT // 4 if op == Op.GATHER else SLOT, root=2)
        for op in (Op.GATHER, Op.BROADCAST, Op.BARRIER)
        for schedule in SCHEDULES[op]
    ]
    return reductions + others


def program(commands: list[Command], watchdog: int = 5000, config: Config = CONFIG) -> ClusterWorkload:
    """Loads all of the nodes' memories, runs the commands, stores them all."""
    size = SPEC.words * SPEC.flit_bytes
    total = [Command(op=Op.LOAD, flits=SPEC.words), *commands, Command(op=Op.STORE, flits=SPEC.words)]
    first = aligned(len(program_bytes(total, SPEC)), SPEC)
    total[0] = replace(total[0], external=first)
    total[-1] = replace(total[-1], external=first + size * SPEC.nodes)
    data = np.zeros(first + size * SPEC.nodes, np.uint8)
    words = program_bytes(total, SPEC, watchdog=watchdog)
    data[: len(words)] = words
    halves = random_messages(CONFIG, size, ElementType.HALF, 7)
    data[first:] = to_lanes(halves, SPEC)
    image = MemoryImage(data=data, result_address=len(data), result_bytes=size * SPEC.nodes)
    return ClusterWorkload(config=config, commands=tuple(total), memory=image, names={"op": "program"})


def placed(commands: list[Command], rng: np.random.Generator, independent: float) -> list[Command]:
    """Sources and targets at random multiples of a slot; some commands do not wait for the one before."""
    result = []
    slots = SPEC.words // SLOT
    for command in commands:
        source, target = (int(v) * SLOT for v in rng.choice(slots // 2, 2, replace=False) * 2)
        flags = INDEPENDENT if rng.random() < independent else 0
        result.append(replace(command, source=source, target=target, flags=flags))
    return result


@pytest.mark.parametrize(
    "config",
    # Serial nodes are a simulator of their own; `test_serial_step` has one by default.
    [pytest.param(CONFIG, id="parallel"), pytest.param(SERIAL, id="serial", marks=pytest.mark.slow)],
)
@pytest.mark.parametrize(("stalls", "pauses", "seed"), [(0, 0, 1), (64, 64, 2), (128, 200, 3)])
def test_every_collective(stalls: int, pauses: int, seed: int, config: Config) -> None:
    """All collectives in random order as one program, several under way at once: the nodes' whole memories equal."""
    rng = np.random.default_rng(seed)
    commands = placed([everything()[k] for k in rng.permutation(len(everything()))], rng, independent=0.0)
    workload = program(commands, config=config)
    memory = LinkedMemory(stalls=stalls, seed=seed, link_pauses=pauses)
    counters = run(workload, memory=memory, check=True).counters
    assert counters["status"] == Status.DONE
    assert counters["lost"] == 0
    assert counters["commands"] == len(workload.commands)
    assert counters["flits"] == sum(traffic(command, SPEC) for command in commands)


def test_independent_collectives_overlap() -> None:
    """Reductions of separate messages: with the flag less time, the same words."""

    def timed(flags: int) -> tuple[np.ndarray, int]:
        commands = [Command(op=Op.REDUCE, flits=2, source=4 * k, target=4 * k + 2, flags=flags) for k in range(8)]
        done = run(program(commands), check=True)
        return done.results["results"], done.counters["collective_cycles"]

    (one, slow), (other, fast) = timed(0), timed(INDEPENDENT)
    assert np.array_equal(one, other)
    assert fast < 0.9 * slow


@pytest.mark.parametrize("schedule", [Schedule.XOR, Schedule.ROTATE])
@pytest.mark.parametrize("size", [8, 64, 512])
def test_latency(schedule: Schedule, size: int) -> None:
    """log2 N · (hop + size/width) + 10, with a hop of 14 cycles."""
    workload = prepare(CONFIG, random_messages(CONFIG, size, ElementType.HALF, 1), op=Op.REDUCE, schedule=schedule)
    cycles = run(workload).counters["collective_cycles"]
    assert cycles <= SPEC.rounds * (14 + size // SPEC.flit_bytes) + 10


def test_ring_reaches_its_bandwidth() -> None:
    """Within 10 % of 2·size·(N-1)/N flits a link, from 2 KiB a node on."""
    messages = random_messages(CONFIG, 2048, ElementType.HALF, 1)
    workload = prepare(CONFIG, messages, op=Op.REDUCE, schedule=Schedule.RING, form=ElementType.HALF)
    cycles = run(workload).counters["collective_cycles"]
    assert cycles <= 1.1 * 2 * 256 * 3 / 4


@pytest.mark.parametrize("node", range(SPEC.nodes))
@pytest.mark.parametrize(("schedule", "after"), [(Schedule.XOR, 0), (Schedule.RING, 520)])
def test_a_node_that_stops(node: int, schedule: Schedule, after: int) -> None:
    """The watchdog ends the run and names the node and the command."""
    workload = prepare(
        CONFIG, random_messages(CONFIG, 512, ElementType.HALF, 1), op=Op.REDUCE, schedule=schedule, watchdog=500
    )
    counters = simulate(PROGRAM, workload, memory=LinkedMemory(hold=node, hold_after=after)).counters
    assert counters["status"] == Status.TIMEOUT
    assert counters["status_node"] == node
    assert counters["status_command"] == 2
    assert counters["cycles"] < 3000


@pytest.mark.parametrize(
    "change",
    [
        {"op": 11}, {"schedule": 5}, {"format": 7}, {"kind": 8}, {"flits": 0}, {"flits": 1 << 16}, {"root": SPEC.nodes},
        {"op": Op.BARRIER, "schedule": Schedule.RING}, {"kind": Kind.MERGE, "format": ElementType.HALF},
        {"schedule": Schedule.RING, "flits": 5}, {"kind": Kind.MERGE, "record": 0},
    ],
)  # fmt: skip
def test_refused_commands(change: dict) -> None:
    """The hardware refuses what the host should have refused, names the command, and stops."""
    commands = [Command(op=Op.REDUCE, flits=4), replace(Command(op=Op.REDUCE, flits=4), **change)]
    counters = simulate(PROGRAM, program(commands)).counters
    assert counters["status"] == Status.REFUSED
    assert counters["status_command"] == 2
    assert counters["store_words"] == 0
