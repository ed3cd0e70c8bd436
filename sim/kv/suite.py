"""Streams of keys through RTL, model and reference, and their reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from golden.kv.model import ModelResult, Options, retrieve
from golden.kv.spec import Spec
from hw.kv.config import Config
from sim.kernel.console import step
from sim.kernel.files import write_json
from sim.kernel.jobs import MemorySettings
from sim.kernel.report import make_report
from sim.kernel.roofline import dram_bytes
from sim.kernel.suite import SuiteTable
from sim.kv.check import check_retrieval
from sim.kv.retrieval import for_stream, head_qualities, mean_quality, quantise_stream, row_qualities
from sim.kv.streams import Stream, known_streams, load_stream
from sim.kv.workload import RtlRetrieval, ingest_roofline, kv_roofline, prepare, query_roofline, run_rtl


@dataclass(frozen=True, kw_only=True)
class CheckedRetrieval:
    """A retrieval that equals the model's."""

    stream: Stream
    model: ModelResult
    report: dict[str, Any]


def work_shares(model: ModelResult, spec: Spec) -> dict[str, float]:
    """Scores and buckets that the early exit opens, as shares of a row's scores."""
    scores = sum(h.scores.numel() for h in model.heads)
    rows = sum(len(h.scores) for h in model.heads)
    return {
        "visited": round(sum(int(h.rows.visited.sum()) for h in model.heads) / scores, 4),
        "buckets_opened": round(sum(int(h.rows.opened.sum()) for h in model.heads) / rows, 2),
        "tokens_a_cluster": round(len(model.hashes) / model.clustering.count, 2),
    }


def gather_shares(rtl: RtlRetrieval, config: Config) -> dict[str, float]:
    """The gather's bytes, bursts and row hits for each useful token of a head."""
    c, spec = rtl.job.counters, config.spec
    tokens = max(len(rtl.records), 1)
    return {
        "bytes_a_token": c["gather_words"] * spec.word_bytes / tokens,
        "least_bytes_a_token": 2 * spec.head_size,
        "bursts_a_token": round(c["bursts"] / tokens, 4),
        "row_hits_a_burst": round(c["row_hits"] / max(c["bursts"], 1), 4),
    }


def run_stream(
    stream: Stream, config: Config, *, options: Options | None = None, stalls: int = 0, seed: int = 1,
    memory: MemorySettings | None = None,
) -> CheckedRetrieval:  # fmt: skip
    """Runs a stream in RTL, compares every word with the model, and measures the selection.

    Raises:
        CheckError: RTL and model differ.
    """
    config = for_stream(config, stream)
    spec = config.spec
    memory = memory or MemorySettings(stalls=stalls, seed=seed)
    options = options or Options.of(spec)
    data = quantise_stream(stream, spec, options)
    workload = prepare(data, config, options)
    model = retrieve(data, spec, options)
    rtl = run_rtl(workload, memory=memory)
    check_retrieval(workload, rtl, model)
    counters = rtl.job.counters
    phases = {"ingest": ingest_roofline(counters, config, memory), "query": query_roofline(counters, config, memory)}
    report = make_report(
        engine="kv",
        config=config,
        seed=seed,
        workload={**stream.info(), "options": vars(options), "clusters": model.clustering.count},
        memory=vars(memory),
        roofline=kv_roofline(counters, config, memory),
        counters=counters,
        dram_bytes=dram_bytes(counters, config.word_bytes),
        quality={
            "rtl_equals_model": True,
            "union": mean_quality(head_qualities(stream, data, [head.tokens for head in model.heads])),
            "rows": mean_quality(row_qualities(stream, data, model)),
            **work_shares(model, spec),
            **gather_shares(rtl, config),
            "phases": {
                name: {"cycles": r.cycles, "bound": r.bound, "limit": r.limit, "ratio": r.ratio}
                for name, r in phases.items()
            },
        },
    )
    return CheckedRetrieval(stream=stream, model=model, report=report)


def run_suite(
    config: Config, folder: Path, *, inputs: Sequence[str] = (), size: int = 4096, stalls: Sequence[int] = (0, 64)
) -> SuiteTable:
    """Runs every stream with every rate of memory pauses; writes a report for each to `folder`. `size`: tokens."""
    rows: list[tuple[object, ...]] = []
    for source in inputs or known_streams():
        stream = load_stream(source, size, spec=config.spec)
        for rate in stalls:
            with step(f"{stream.name}, {stream.keys.shape[1]} tokens, pauses {rate}/256"):
                report = run_stream(stream, config, stalls=rate).report
            slug = stream.name.replace(":", "-").replace("@", "-")
            write_json(folder / f"report-kv-{slug}-{stream.keys.shape[1]}-{rate}.json", report)
            quality_, phases = report["quality"], report["quality"]["phases"]
            rows.append(
                (
                    stream.name, stream.keys.shape[1], report["workload"]["clusters"], rate, report["cycles"],
                    f"{report['bound']['cycles']:.0f}", report["bound"]["limit"], f"{report['ratio']:.3f}",
                    *(f"{phases[name]['ratio']:.3f}" for name in ("ingest", "query")),
                    f"{quality_['visited']:.1%}", f"{quality_['union']['kept']:.1%}",
                    *(f"{quality_[kind]['relative_mass']:.3f}" for kind in ("rows", "union")),
                    f"{quality_['union']['mass']:.3f}",
                )
            )  # fmt: skip
    return SuiteTable(
        title="kv: RTL equals the model in every hash, cluster, selected set and gathered word",
        head=(
            "stream", "tokens", "clusters", "pauses", "cycles", "bound", "limit", "ratio", "ingest", "query", "visited",
            "kept", "row/top-k", "union/top-k", "mass",
        ),
        rows=rows,
    )  # fmt: skip
