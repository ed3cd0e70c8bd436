"""Streams of keys through RTL, model and reference, and their reports."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from golden.kv.model import ModelResult
from golden.kv.spec import Spec
from hw.kv.config import Config
from sim.kernel.console import step
from sim.kernel.dram import Dram
from sim.kernel.files import write_json
from sim.kernel.jobs import MemorySettings
from sim.kernel.quality import defined, shown
from sim.kernel.run import Run
from sim.kernel.suite import SuiteTable
from sim.kv.bounds import phases
from sim.kv.run import run
from sim.kv.selection import cluster_count, mean_quality, result_qualities, row_qualities
from sim.kv.streams import Stream, known_streams, load_stream
from sim.kv.workload import prepare_retrieve, retrieve_options


def work_shares(model: ModelResult, spec: Spec) -> dict[str, float]:
    """Scores and buckets that the early exit opens, as shares of a row's scores."""
    scores = sum(h.scores.numel() for h in model.heads)
    rows = sum(len(h.scores) for h in model.heads)
    return {
        "visited": round(sum(int(h.rows.visited.sum()) for h in model.heads) / scores, 4),
        "buckets_opened": round(sum(int(h.rows.opened.sum()) for h in model.heads) / rows, 2),
        "tokens_a_cluster": round(len(model.hashes) / model.clustering.count, 2),
    }


def gather_shares(found: Run) -> dict[str, float]:
    """The gather's bytes, bursts and row hits for each useful token of a head."""
    c, spec = found.counters, found.workload.config.spec
    tokens = max(len(found.results["records"]), 1)
    return {
        "bytes_a_token": c["gather_words"] * spec.word_bytes / tokens,
        "least_bytes_a_token": 2 * spec.head_size,
        "bursts_a_token": round(c["bursts"] / tokens, 4),
        "row_hits_a_burst": round(c["row_hits"] / max(c["bursts"], 1), 4),
    }


def run_stream(
    stream: Stream, config: Config, *, stalls: int = 0, seed: int = 1, dram: Dram | None = None
) -> dict[str, Any]:
    """Runs a stream in RTL, compares every word with the model, and measures the selection. The run's report.

    Raises:
        CheckError: RTL and model differ.
    """
    workload = prepare_retrieve(stream, config, retrieve_options(config.spec))
    found = run(workload, memory=MemorySettings(stalls=stalls, seed=seed, dram=dram), check=True)
    report = found.report()
    report["workload"] |= {"clusters": cluster_count(found.results)}
    report["quality"] |= defined(
        {
            "union": mean_quality(result_qualities(workload, found.results)),
            "rows": mean_quality(row_qualities(stream, workload.data, found.model)),
            **work_shares(found.model, workload.config.spec),
            **gather_shares(found),
            "phases": {
                name: {"cycles": r.cycles, "bound": r.bound, "limit": r.limit, "ratio": r.ratio}
                for name, r in phases(found.counters, workload.config, found.memory).items()
            },
        }
    )
    return report


def run_suite(
    config: Config, folder: Path, *, inputs: Sequence[str] = (), size: int = 4096, stalls: Sequence[int] = (0, 64),
    dram: Dram | None = None,
) -> SuiteTable:  # fmt: skip
    """Runs every stream with every rate of memory pauses; writes a report for each to `folder`. `size`: tokens."""
    rows: list[tuple[object, ...]] = []
    for source in inputs or known_streams():
        stream = load_stream(source, size, spec=config.spec)
        for rate in stalls:
            with step(f"{stream.name}, {stream.keys.shape[1]} tokens, pauses {rate}/256"):
                report = run_stream(stream, config, stalls=rate, dram=dram)
            slug = stream.name.replace(":", "-").replace("@", "-")
            write_json(folder / f"report-kv-{slug}-{stream.keys.shape[1]}-{rate}.json", report)
            quality_, phases = report["quality"], report["quality"]["phases"]
            rows.append(
                (
                    stream.name, stream.keys.shape[1], report["workload"]["clusters"], rate, report["cycles"],
                    f"{report['bound']['cycles']:.0f}", report["bound"]["limit"], f"{report['ratio']:.3f}",
                    *(f"{phases[name]['ratio']:.3f}" for name in ("ingest", "query")),
                    f"{quality_['visited']:.1%}", shown(quality_["union"]["kept"], ".1%"),
                    *(shown(quality_[kind]["relative_mass"], ".3f") for kind in ("rows", "union")),
                    shown(quality_["union"]["mass"], ".3f"),
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
