"""A decode step of one head, RTL against model and against float32 torch, fused and through external memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from golden.cluster.dataflows import Head, attend
from golden.cluster.head import share
from golden.cluster.spec import QUARTERS, Dataflow, Op, Schedule, Turned, Weighed
from hw.cluster.config import Config
from sim.cluster.decode_workload import prepare
from sim.cluster.suite import run_checked
from sim.cluster.workload import ClusterWorkload, LinkSettings, busiest_link
from sim.kernel.jobs import MemorySettings
from sim.kernel.roofline import Roofline


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """The head's contribution [D], equal to the model's, and what it cost."""

    output: Tensor
    report: dict[str, Any]


def decode_roofline(workload: ClusterWorkload, counters: Mapping[str, int]) -> Roofline:
    """Cycles that the steps need at least; each depends on the one before, so that they add up.

    A word of memory a cycle, read or written; flits through the busiest node's link; and a flit a cycle through the
    decode units' phases that read no stream.
    """
    units = 0
    for command in workload.commands:
        if command.op == Op.TURN:
            units += 2 * command.flits + (command.kind == Turned.NORMALISE)
        elif command.op == Op.WEIGH:
            scores = -(-command.flits // workload.config.spec.lanes) if command.kind == Weighed.FOUND else 0
            units += scores + 1 + QUARTERS * command.record
    words = sum(counters[name] for name in ("stream_words", "load_words", "store_words", "program_words"))
    link = busiest_link(workload.commands, workload.config.spec)
    return Roofline(cycles=counters["cycles"], stages={"steps": words + link + units})


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
    run = partial(run_checked, memory=memory, links=links, roofline=decode_roofline)
    done = run(prepare(config, shared, schedule=schedule))
    output = torch.from_numpy(np.ascontiguousarray(done.results).view("<f4").reshape(-1).copy())
    exact = attend(hidden, head)
    difference = (output - exact).double()
    done.report["quality"] |= {
        "max_error": float(difference.abs().max() / exact.abs().max()),
        "rms_error": float(difference.norm() / exact.double().norm()),
        "clipped": done.report["counters"]["clipped"],
    }
    if unfused:
        other = run(prepare(config, shared, schedule=schedule, unfused=True)).report
        done.report["unfused"] = {
            "cycles": other["cycles"] - other["counters"]["collective_cycles"],
            "bytes": other["bytes"]["total"],
        }
    return Decoded(output=output, report=done.report)
