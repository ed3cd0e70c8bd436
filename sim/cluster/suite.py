"""Collectives in RTL, each equal to the model's, and their reports."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from golden.cluster.spec import SCHEDULES, ElementType, Op, Schedule
from golden.errors import InputError
from hw.cluster.config import Config
from sim.cluster.latency_plot import draw, read_series
from sim.cluster.player import LinkedMemory
from sim.cluster.run import run
from sim.cluster.workload import prepare, random_messages
from sim.kernel.console import step
from sim.kernel.dram import Dram
from sim.kernel.files import write_json
from sim.kernel.suite import SuiteTable

SMALLEST = 16  # bytes
GROWTH = 4  # from one size to the next
COLLECTIVES = (Op.REDUCE, Op.GATHER, Op.REDUCE_SCATTER, Op.BROADCAST, Op.BARRIER)


def fits(config: Config, op: Op, schedule: Schedule, size: int) -> bool:
    """The message is whole flits (of a ring's chunks), and the result has room."""
    spec = config.spec
    flits = size // spec.flit_bytes
    chunks = schedule == Schedule.RING and op in (Op.REDUCE, Op.REDUCE_SCATTER)
    room = flits * (spec.nodes if op == Op.GATHER else 1) <= spec.words
    return size % spec.flit_bytes == 0 and flits >= 1 and room and not (chunks and flits % spec.nodes)


def cases(config: Config, largest: int, names: Sequence[str]) -> Iterator[tuple[Op, Schedule, ElementType, int]]:
    """Every collective and schedule at sizes from 16 B to `largest`; `names` chooses among the collectives."""
    known = {op.name.lower(): op for op in COLLECTIVES}
    for name in names:
        if name not in known:
            raise InputError(f"--input must be one of {', '.join(known)}, it is '{name}'")
    for op in [known[name] for name in names] or COLLECTIVES:
        size = SMALLEST
        while size <= largest:
            for schedule in SCHEDULES[op]:
                if fits(config, op, schedule, size):
                    yield op, schedule, ElementType.HALF, size
            if op == Op.BARRIER:
                break
            size *= GROWTH


def run_suite(
    config: Config, folder: Path, *, inputs: Sequence[str] = (), size: int = 4096, stalls: Sequence[int] = (0, 64),
    dram: Dram | None = None,
) -> SuiteTable:  # fmt: skip
    """Runs every collective up to `size` bytes a node with every rate of pauses of memory and links.

    The folder gets a report for each, and a picture of all reductions that are reported in it.
    """
    rows: list[tuple[object, ...]] = []
    for op, schedule, form, length in cases(config, size, inputs):
        workload = prepare(config, random_messages(config, length, form, 1), op=op, schedule=schedule, form=form)
        for rate in stalls:
            name = f"{op.name.lower()}-{schedule.name.lower()}-{length}"
            with step(f"{name}, pauses {rate}/256"):
                memory = LinkedMemory(stalls=rate, link_pauses=rate, dram=dram)
                report = run(workload, memory=memory, check=True).report()
            write_json(folder / f"report-cluster-{config.spec.nodes}-{name}-{rate}.json", report)
            counters = report["counters"]
            rows.append(
                (
                    f"{op.name.lower()} {schedule.name.lower()}", length, rate, counters["collective_cycles"],
                    f"{report['bound']['cycles']:.0f}", f"{report['ratio']:.3f}", counters["flits"],
                    counters["credit_stalls"], counters["receive_waits"],
                )
            )  # fmt: skip
    series = read_series(folder.glob("report-cluster-*-reduce-*.json"))
    if series:
        draw(series, folder / "cluster-latency.png")
    return SuiteTable(
        title=f"cluster of {config.spec.nodes}, {config.spec.link_width}-bit links: RTL equals the model in every byte",
        head=("collective", "bytes", "pauses", "cycles", "bound", "ratio", "flits", "credit stalls", "flit waits"),
        rows=rows,
    )
