"""A decode step of one head, RTL against model and against float32 torch, fused and through external memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from golden.cluster.dataflows import Head, attend
from golden.cluster.head import SharedHead, share
from golden.cluster.spec import Dataflow, Op, Schedule, Turned
from golden.cluster.turns import traffic
from hw.cluster.config import Config
from sim.check import CheckError
from sim.jobs import MemorySettings
from sim.report.schema import make_report
from sim.roofline import Roofline, dram_bytes
from sim.suites.cluster import check_results
from sim.workloads.cluster import Bytes, ClusterWorkload, LinkSettings, busiest_link, run_model, run_rtl
from sim.workloads.decode import prepare


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """The head's contribution [D], equal to the model's, and what it cost."""

    output: Tensor
    report: dict[str, Any]


def decode_bound(workload: ClusterWorkload, counters: Mapping[str, int]) -> dict[str, float]:
    """Cycles that the steps need at least; each depends on the one before, so that they add up.

    memory: a word a cycle, read or written. link: flits through the busiest node's link. units: a flit a cycle
    through the decode units' phases that read no stream.
    """
    quarters = 4
    units = 0
    for command in workload.commands:
        if command.op == Op.TURN:
            units += 2 * command.flits + (command.kind == Turned.NORMALISE)
        elif command.op == Op.WEIGH:
            scores = -(-command.flits // workload.config.spec.lanes) if command.kind else 0
            units += scores + 1 + quarters * command.record
    words = sum(counters[name] for name in ("stream_words", "load_words", "store_words", "program_words"))
    return {"memory": words, "link": busiest_link(workload.commands, workload.config.spec), "units": units}


def run_step(
    workload: ClusterWorkload, *, memory: MemorySettings = MemorySettings(), links: LinkSettings = LinkSettings()
) -> tuple[Bytes, dict[str, int], Roofline]:
    """Runs RTL and model on one program and compares every byte of its results.

    Raises:
        CheckError: a byte differs, the run did not end well, or the flits sent are not the formulae's.
    """
    run = run_rtl(workload, memory=memory, links=links)
    counters = run.job.counters
    if counters["status"] or counters["lost"]:
        raise CheckError(
            f"{workload.names['op']}: status {counters['status']} at command {counters['status_command']}, "
            f"{counters['lost']} flits lost"
        )
    check_results(workload, run.results, run_model(workload))
    expected = sum(traffic(c, workload.config.spec) for c in workload.commands if c.reduces or c.op == Op.GATHER)
    if counters["flits"] != expected:
        raise CheckError(f"{workload.names['op']}: {counters['flits']} flits sent, the formulae say {expected}")
    bound = decode_bound(workload, counters)
    return run.results, counters, Roofline(cycles=counters["cycles"], stages={"steps": sum(bound.values())})


def decode(
    config: Config, hidden: Tensor, head: Head, *, dataflow: Dataflow = Dataflow.TOKEN,
    schedule: Schedule = Schedule.XOR, memory: MemorySettings = MemorySettings(),
    links: LinkSettings = LinkSettings(), unfused: bool = True,
) -> Decoded:  # fmt: skip
    """One step, and with `unfused` the same step through external memory.

    The report's quality is the error of the output against float32 torch: the largest over the largest
    output, and root mean square over root mean square. Unfused cycles leave out those of the network's sums,
    which kernels would do while they load.

    Raises:
        CheckError: RTL and model differ. InputError: shapes or sizes that are refused.
    """
    shared = share(hidden, head, config.spec, dataflow)
    workload = prepare(config, shared, schedule=schedule)
    results, counters, roofline = run_step(workload, memory=memory, links=links)
    output = torch.from_numpy(np.ascontiguousarray(results).view("<f4").reshape(-1).copy())
    exact = attend(hidden, head)
    difference = (output - exact).double()
    report = make_report(
        engine="cluster",
        config=config,
        seed=memory.seed,
        workload=workload.names,
        memory={**vars(memory), "link_pauses": links.pauses},
        roofline=roofline,
        counters=counters,
        dram_bytes=dram_bytes(counters, config.word_bytes),
        quality={
            "rtl_equals_model": True,
            "max_error": float(difference.abs().max() / exact.abs().max()),
            "rms_error": float(difference.norm() / exact.double().norm()),
            "clipped": counters["clipped"],
        },
    )
    if unfused:
        report["unfused"] = _unfused(config, shared, schedule, memory, links)
    return Decoded(output=output, report=report)


def _unfused(
    config: Config, shared: SharedHead, schedule: Schedule, memory: MemorySettings, links: LinkSettings
) -> dict[str, int]:
    """Cycles without the network's, and bytes of external memory, of the step through external memory."""
    _, counters, _ = run_step(prepare(config, shared, schedule=schedule, unfused=True), memory=memory, links=links)
    return {
        "cycles": counters["cycles"] - counters["collective_cycles"],
        "bytes": dram_bytes(counters, config.word_bytes)["total"],
    }
