"""A vision-sink bucketing job: scores and config to a memory image and back to the tokens that stay."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from golden.kv.vision_sink import SinkOptions, build_sink_image
from hw.kv.config import Config
from hw.kv.counters import COUNTERS
from hw.kv.rank_select import DIGITS
from hw.kv.top import KvEngine
from sim.kernel.jobs import JobResult, MemorySettings, run_job
from sim.kernel.roofline import Roofline


@dataclass(frozen=True, kw_only=True)
class RtlSink:
    """What the engine wrote, a bool for every token."""

    keep: Tensor
    job: JobResult


def run_sink(
    codes: Tensor, config: Config, options: SinkOptions, *, memory: MemorySettings = MemorySettings(),
    taps: bool = False,
) -> RtlSink:  # fmt: skip
    """Runs the job on the generated Verilog. `taps`: on the build that records streams."""
    image = build_sink_image(codes, config.spec, options)
    job = run_job(lambda: KvEngine(config=config), "kv", config, image, COUNTERS, memory=memory, taps=taps)
    bits = np.unpackbits(job.data[: -(-len(codes) // 8)], bitorder="little")[: len(codes)]
    return RtlSink(keep=torch.from_numpy(bits).bool(), job=job)


def sink_roofline(rtl: RtlSink, memory: MemorySettings) -> Roofline:
    """A score a cycle, loaded once and swept 2 · DIGITS + 2 times; memory: words / words a cycle."""
    counters = rtl.job.counters
    words = counters["sink_words"] + counters["select_words"]
    return Roofline(
        cycles=counters["cycles"],
        stages={
            "sweeps": (2 * DIGITS + 3) * len(rtl.keep),
            "memory": words / (memory.bandwidth / 256),
        },
    )
