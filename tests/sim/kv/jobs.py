"""Jobs that the tests of the engine share, all on the one build that records the stages' streams."""

from __future__ import annotations

import shutil
from typing import Any

from golden.kv.quantise import Quantised
from golden.kv.spec import Spec
from sim.kernel.jobs import JobResult, MemorySettings, run_job
from sim.kernel.run import Operation, simulate
from sim.kv.streams import Stream
from tests.golden.kv.streams import clustered


def stream_of(data: Quantised) -> Stream:
    """A stream that is quantised to the codes of `data`: their largest is 127, so the scales are 1."""
    keys, values, queries = (codes.float().transpose(0, 1) for codes in (data.keys, data.values, data.queries))
    return Stream(
        name="clustered", keys=keys, values=values, queries=queries, scale=keys.shape[2] ** -0.5, calibration=keys
    )


def clustered_stream(spec: Spec, tokens: int, queries: int, *, seed: int, anchors: int = 20) -> Stream:
    """Keys around a few anchors."""
    return stream_of(clustered(spec, tokens, queries, seed=seed, anchors=anchors))


def simulate_tapped(operation: Operation[Any], workload: Any, memory: MemorySettings = MemorySettings()) -> JobResult:
    """Runs with the streams of the stages recorded, so that a comparison finds this build; drops the records."""
    job = simulate(operation, workload, memory=memory, taps=True)
    shutil.rmtree(job.taps["hash_unit"].parent.parent)
    return job


def run_job_tapped(*arguments: Any, **settings: Any) -> JobResult:
    """In place of `run_job`, on that build."""
    job = run_job(*arguments, **{**settings, "taps": True})
    if not settings["taps"]:
        shutil.rmtree(job.taps["hash_unit"].parent.parent)
    return job
