"""A program of the cluster by RTL, model or reference: collectives, decode steps, and any other commands."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from golden.cluster.memory_image import expected_results, read_results
from golden.cluster.turns import traffic
from golden.errors import InputError
from golden.rows import Bytes
from hw.cluster.config import default
from hw.cluster.top import COUNTERS
from sim.cluster.check import first_command
from sim.cluster.decode_workload import DecodeWorkload
from sim.cluster.player import SOURCE, ClusterPlayer, LinkedMemory
from sim.cluster.reference import attended, by_definition
from sim.cluster.roofline import collective_roofline, decode_roofline
from sim.cluster.workload import ClusterWorkload, CollectiveWorkload
from sim.kernel.compare import Results
from sim.kernel.jobs import JobResult, MemorySettings
from sim.kernel.run import Operation, Run, run_operation


def _model(workload: ClusterWorkload) -> Bytes:
    """External memory after the program."""
    from golden.cluster.model import Cluster

    image = workload.memory
    external = np.concatenate([image.data, np.zeros(image.result_bytes, np.uint8)])
    Cluster(workload.config.spec).run(workload.commands, external)
    return external


def _sound(workload: ClusterWorkload, job: JobResult) -> str | None:
    """The program ended well, no flit was lost, and the links carried as many as the publication's formulae say."""
    counters, name = job.counters, workload.names.get("op", "program")
    if counters["status"] or counters["lost"]:
        return (
            f"{name}: status {counters['status']} at command {counters['status_command']}, "
            f"{counters['lost']} flits lost"
        )
    expected = sum(traffic(command, workload.config.spec) for command in workload.commands)
    if counters["flits"] != expected:
        return f"{name}: {counters['flits']} flits sent, the formulae say {expected}"
    return None


def _no_reference(_: ClusterWorkload) -> Results:
    raise InputError("cluster: only a collective and a decode step have a float reference")


def _error(workload: DecodeWorkload, results: Results) -> dict[str, float]:
    """Against float32: the largest error over the largest output, and root mean square over root mean square."""
    exact = attended(workload)["output"]
    difference = (output(workload, results) - exact).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):  # an output of zeros
        return {
            "max_error": float(np.abs(difference).max() / np.abs(exact).max()),
            "rms_error": float(np.linalg.norm(difference) / np.linalg.norm(exact.astype(np.float64))),
        }


def _recorded_step_ratio(workload: DecodeWorkload) -> float | None:
    """The highest in docs/sweeps/cluster.json for fused steps on the nodes of `default`, whatever their memory."""
    kib = default().spec.memory_kib
    config = replace(workload.config, spec=replace(workload.config.spec, memory_kib=kib))
    return 1.03 if config == default() and workload.names["op"] == "fused decode" else None


PROGRAM = Operation[ClusterWorkload](
    engine="cluster",
    top=lambda workload: ClusterPlayer(config=workload.config),
    counters=COUNTERS,
    read=lambda workload, job: read_results(job.data, workload.config.spec),
    model=_model,
    expected=lambda workload, external: expected_results(external, workload.memory, workload.config.spec),
    reference=_no_reference,
    roofline=collective_roofline,
    narrow=first_command,
    sound=_sound,
    axes={"results": ("node", "byte")},
    sources=(SOURCE,),
)
COLLECTIVE = replace(PROGRAM, reference=by_definition)
DECODE = replace(
    PROGRAM, reference=attended, roofline=decode_roofline, quality=_error, recorded_ratio=_recorded_step_ratio
)
OPERATIONS = {ClusterWorkload: PROGRAM, CollectiveWorkload: COLLECTIVE, DecodeWorkload: DECODE}


def run(workload: ClusterWorkload, *, memory: MemorySettings = LinkedMemory(), **options: Any) -> Run:
    """`run_operation` of what the workload asks for."""
    return run_operation(OPERATIONS[type(workload)], workload, memory=memory, **options)


def values(run: Run) -> npt.NDArray:
    """A collective's numbers [N, elements] in their format, or in float64 of the reference."""
    if "values" in run.results:
        return run.results["values"]
    return run.results["results"].view(run.workload.result_type)


def output(workload: DecodeWorkload, results: Results) -> npt.NDArray[np.float32]:
    """The contribution [D] of the decoded query heads together, whatever computed it."""
    if "output" in results:
        return results["output"]
    group = workload.head.group
    parts = np.ascontiguousarray(results["results"][:, : group * workload.output_bytes]).view("<f4")
    return parts.reshape(len(parts), group, -1).sum(1).reshape(-1)
