"""The collectives and the decode step that the page of comparisons shows."""

from __future__ import annotations

from functools import partial

from golden.cluster.heads import random_head
from golden.cluster.spec import ElementType, Op, Schedule
from hw.cluster.config import default
from sim.cluster.decode import decode
from sim.cluster.run import run
from sim.cluster.workload import prepare, random_messages
from sim.kernel.suite import Case, Compared

#: What engine and baselines compute with; docs/cluster.md has the formats.
PRECISION = "half, sums in half beside float32; decode: int8 beside float32"
SIZES = (1024, 32768)  # bytes of a node's message
HEAD, HIDDEN, TOKENS = 128, 4096, 1024

#: What `tessera baseline` measures where nothing is named: the same workloads.
MEASURED = {"inputs": (), "size": 0}


def _reduce(size: int, schedule: Schedule) -> Compared:
    config, form = default(), ElementType.HALF
    workload = prepare(config, random_messages(config, size, form, 1), op=Op.REDUCE, schedule=schedule, form=form)
    return Compared(report=run(workload, check=True).report())


def _decode() -> Compared:
    hidden, head = random_head(HEAD, HIDDEN, TOKENS - 1, 1)
    return Compared(report=decode(default(), hidden, head, unfused=False, check=True).report())


def cases() -> list[Case]:
    """Reductions, each by the schedule that is quicker at its size, and a fused step of one head."""
    schedules = (Schedule.XOR, Schedule.RING)
    reductions = [
        Case(name=f"reduce-{size}", run=partial(_reduce, size, schedule))
        for size, schedule in zip(SIZES, schedules, strict=True)
    ]
    return [*reductions, Case(name=f"decode-{TOKENS}", run=_decode)]
