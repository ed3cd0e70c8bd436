"""A stream's tokens compressed by RTL, model or reference, and what the choice keeps."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from golden.kv.livevlm import vision_sink_bucketing, vision_sink_scores
from golden.kv.vision_sink import SinkOptions, build_sink_image, sink_codes, vision_sink
from hw.kv.config import Config
from sim.kernel.compare import CheckError
from sim.kernel.jobs import MemorySettings
from sim.kernel.roofline import Roofline, dram_bytes
from sim.kv.sink_workload import RtlSink, run_sink, sink_roofline
from sim.kv.streams import Stream


@dataclass(frozen=True, kw_only=True)
class Compression:
    """The tokens that stay; `mass`: of the window's attention, mean over heads; `best_mass`: of the best as many."""

    keep: Tensor
    mass: float
    best_mass: float
    agreement: float  #: share of the tokens on which the choice equals the reference's
    roofline: Roofline | None = None
    counters: dict[str, int] = field(default_factory=dict)
    dram_bytes: dict[str, int] = field(default_factory=dict)


def sink_scores(stream: Stream) -> Tensor:
    """S of a layer: attention of the stream's query rows to every token, mean over rows and heads. [L]"""
    heads = zip(stream.queries, stream.keys, strict=True)
    return torch.stack([vision_sink_scores(queries, keys, stream.scale) for queries, keys in heads]).mean(0)


def check_sink(rtl: RtlSink, keep: Tensor) -> None:
    """Compares every bit.

    Raises:
        CheckError: one differs.
    """
    wrong = (rtl.keep != keep).nonzero().flatten()
    if len(wrong):
        t = int(wrong[0])
        raise CheckError(f"vision_sink: token {t}: expected {int(keep[t])}, got {int(rtl.keep[t])}")


def compress_by(
    backend: str, stream: Stream, config: Config, options: SinkOptions, memory: MemorySettings, *, check: bool = False
) -> Compression:
    """Compresses with `rtl` (compared with the model if `check`), `model` or `reference`.

    Raises:
        InputError: options that the config does not have. CheckError: RTL and model differ.
    """
    scores = sink_scores(stream)
    codes = sink_codes(scores)
    build_sink_image(codes, config.spec, options)  # refuses the same for every backend
    reference = vision_sink_bucketing(
        scores, budget=options.budget, capacity=options.capacity, unconditional=options.unconditional
    )
    rtl = run_sink(codes, config, options, memory=memory) if backend == "rtl" else None
    keep = reference if backend == "reference" else vision_sink(codes, options)
    if rtl is not None:
        if check:
            check_sink(rtl, keep)
        keep = rtl.keep
    return Compression(
        keep=keep,
        mass=float(scores[keep].sum()),
        best_mass=float(scores.topk(int(keep.sum())).values.sum()),
        agreement=float((keep == reference).double().mean()),
        roofline=sink_roofline(rtl, memory) if rtl else None,
        counters=rtl.job.counters if rtl else {},
        dram_bytes=dram_bytes(rtl.job.counters, config.word_bytes) if rtl else {},
    )
