"""A small job as files: memory before and after it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from hw.lib.counters import CounterLayout
from sim.kernel.files import write_bytes, write_text
from sim.kernel.jobs import Bytes, MemorySettings
from sim.kernel.run import Operation, run_operation

CYCLES_A_CYCLE = 60  # a bus that pauses nearly always makes a job that much longer
TIMES = ({"latency": 20}, {"latency": 90, "stalls": 64})


@dataclass(frozen=True, kw_only=True)
class Image:
    """A job whose image holds its result's place too, as zeros: what is never written is the same everywhere."""

    data: Bytes
    header_address: int
    result_address: int
    result_bytes: int


@dataclass(frozen=True, kw_only=True)
class JobFiles:
    """Memory before a job, and its result where that does not depend on time."""

    image: Image
    expected: Bytes
    mask: Bytes  #: 255 for a byte that is the same whatever the memory's timing, else 0
    counters: CounterLayout
    cycles: int

    def write(self, folder: Path, inputs_at_rest: Sequence[str]) -> None:
        """image.bin, expected.bin, mask.bin, job.json."""
        image = self.image
        used = image.result_address + image.result_bytes
        job = {
            "header": image.header_address,
            "result": image.result_address,
            "memory_bytes": 1 << (used - 1).bit_length(),
            "most_cycles": CYCLES_A_CYCLE * self.cycles + 100_000,
            "inputs_at_rest": list(inputs_at_rest),
        }
        write_bytes(folder / "image.bin", image.data.tobytes())
        write_bytes(folder / "expected.bin", self.expected.tobytes())
        write_bytes(folder / "mask.bin", self.mask.tobytes())
        write_text(folder / "job.json", json.dumps(job, indent=1) + "\n")


def job_files(operation: Operation[Any], workload: Any) -> JobFiles:
    """Runs the job by RTL, twice, with memories of other timing; both results must equal the model's.

    Raises:
        CheckError: one does not.
        SimulationError: the RTL did not finish.
    """
    job = workload.memory
    rest = job.result_address + job.result_bytes - len(job.data)
    image = Image(
        data=np.concatenate([job.data, np.zeros(max(rest, 0), np.uint8)]),
        header_address=job.header_address,
        result_address=job.result_address,
        result_bytes=job.result_bytes,
    )
    whole = replace(workload, memory=replace(job, data=image.data))
    runs = [run_operation(operation, whole, memory=MemorySettings(**times), check=True).job for times in TIMES]
    first, second = (run for run in runs if run is not None)
    return JobFiles(
        image=image,
        expected=first.data,
        mask=np.where(first.data == second.data, 255, 0).astype(np.uint8),
        counters=operation.counters,
        cycles=max(run.counters["cycles"] for run in (first, second)),
    )
