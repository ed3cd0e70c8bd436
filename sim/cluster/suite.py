"""Collectives through RTL and model, and their report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from golden.cluster.spec import SCHEDULES, ElementType, Op, Schedule
from golden.cluster.turns import traffic
from golden.errors import InputError
from hw.cluster.config import Config
from sim.cluster.latency_plot import draw, read_series
from sim.cluster.workload import (
    Bytes,
    ClusterWorkload,
    LinkSettings,
    collective,
    collective_roofline,
    run_model,
    run_rtl,
)
from sim.kernel.compare import CheckError
from sim.kernel.console import step
from sim.kernel.files import write_json
from sim.kernel.jobs import MemorySettings
from sim.kernel.report import make_report
from sim.kernel.roofline import Roofline, dram_bytes
from sim.kernel.suite import SuiteTable

SMALLEST = 16  # bytes
GROWTH = 4  # from one size to the next
COLLECTIVES = (Op.REDUCE, Op.GATHER, Op.REDUCE_SCATTER, Op.BROADCAST, Op.BARRIER)


@dataclass(frozen=True, kw_only=True)
class CheckedRun:
    """A program whose results equal the model's."""

    results: Bytes  # [N, bytes]
    report: dict[str, Any]


def check_results(workload: ClusterWorkload, got: Bytes, expected: Bytes) -> None:
    """Compares every byte.

    Raises:
        CheckError: one differs; the message names node and byte.
    """
    wrong = np.argwhere(got != expected)
    if len(wrong):
        node, place = (int(v) for v in wrong[0])
        raise CheckError(
            f"{workload.names['op']}: node {node} byte {place}: expected {expected[node, place]}, "
            f"got {got[node, place]}"
        )


def run_checked(
    workload: ClusterWorkload, *, memory: MemorySettings = MemorySettings(), links: LinkSettings = LinkSettings(),
    roofline: Callable[[ClusterWorkload, Mapping[str, int]], Roofline] = collective_roofline,
) -> CheckedRun:  # fmt: skip
    """Runs RTL and model on one program, compares results and traffic, and reports.

    Raises:
        CheckError: a byte differs, the run did not end well, or the flits sent are not the formulae's.
    """
    run = run_rtl(workload, memory=memory, links=links)
    counters, spec = run.job.counters, workload.config.spec
    if counters["status"] or counters["lost"]:
        raise CheckError(
            f"{workload.names['op']}: status {counters['status']} at command {counters['status_command']}, "
            f"{counters['lost']} flits lost"
        )
    check_results(workload, run.results, run_model(workload))
    expected = sum(traffic(command, spec) for command in workload.commands)
    if counters["flits"] != expected:
        raise CheckError(f"{workload.names['op']}: {counters['flits']} flits sent, the formulae say {expected}")
    report = make_report(
        engine="cluster",
        config=workload.config,
        seed=memory.seed,
        workload=workload.names,
        memory={**vars(memory), "link_pauses": links.pauses},
        roofline=roofline(workload, counters),
        counters=counters,
        dram_bytes=dram_bytes(counters, workload.config.word_bytes),
        quality={"rtl_equals_model": True},
    )
    return CheckedRun(results=run.results, report=report)


def random_messages(config: Config, size: int, form: ElementType, seed: int) -> Bytes:
    """Numbers of moderate size in the format; [N, size] bytes."""
    rng = np.random.default_rng(seed)
    shape = config.spec.nodes, size // (2 if form in (ElementType.HALF, ElementType.MIXED) else 4)
    if form == ElementType.INTEGER:
        return rng.integers(-(1 << 31), 1 << 31, shape).astype("<i4").view(np.uint8)
    values = rng.standard_normal(shape)
    return values.astype("<f2" if form in (ElementType.HALF, ElementType.MIXED) else "<f4").view(np.uint8)


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
    config: Config, folder: Path, *, inputs: Sequence[str] = (), size: int = 4096, stalls: Sequence[int] = (0, 64)
) -> SuiteTable:
    """Runs every collective up to `size` bytes a node with every rate of pauses of memory and links.

    The folder gets a report for each, and a picture of all reductions that are reported in it.
    """
    rows: list[tuple[object, ...]] = []
    for op, schedule, form, length in cases(config, size, inputs):
        workload = collective(config, random_messages(config, length, form, 1), op=op, schedule=schedule, form=form)
        for rate in stalls:
            name = f"{op.name.lower()}-{schedule.name.lower()}-{length}"
            with step(f"{name}, pauses {rate}/256"):
                report = run_checked(
                    workload, memory=MemorySettings(stalls=rate), links=LinkSettings(pauses=rate)
                ).report
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
