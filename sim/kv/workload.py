"""A retrieval job: keys, values, queries and config to a memory image and back to selections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from golden.kv.memory_image import Bytes, MemoryImage, build_memory_image
from golden.kv.memory_map import LOG_BYTES, select_words
from golden.kv.model import Options
from golden.kv.quantise import Quantised
from hw.kv.config import Config
from hw.kv.counters import COUNTERS
from hw.kv.top import KvEngine
from sim.kernel.jobs import JobResult, MemorySettings, run_job
from sim.kernel.roofline import Roofline


@dataclass(frozen=True, kw_only=True)
class KvWorkload:
    """One layer's tokens and queries, quantised for `config`."""

    config: Config
    data: Quantised
    options: Options
    memory: MemoryImage


@dataclass(frozen=True, kw_only=True)
class RtlRetrieval:
    """What the engine wrote."""

    log: Bytes  # [T, 8]
    bitmaps: Bytes  # [heads, bytes], as many as hold the clusters
    records: Bytes  # [N, bytes], head after head
    job: JobResult


def prepare(data: Quantised, config: Config, options: Options) -> KvWorkload:
    """Lays the job out in memory."""
    return KvWorkload(config=config, data=data, options=options, memory=build_memory_image(data, config.spec, options))


def run_rtl(
    workload: KvWorkload, *, memory: MemorySettings = MemorySettings(), taps: bool = False, waves: bool = False
) -> RtlRetrieval:
    """Runs the job on the generated Verilog."""
    config = workload.config
    spec = config.spec
    job = run_job(
        lambda: KvEngine(config=config), "kv", config, workload.memory, COUNTERS, memory=memory, taps=taps, waves=waves
    )
    image = workload.memory
    word = spec.word_bytes
    bitmap_bytes = -(-job.counters["clusters"] // (8 * word)) * word
    bitmaps = job.data[image.select_offset :][: spec.heads * select_words(spec) * word]
    record_bytes = spec.chunks * word
    records = job.data[image.gather_offset :][: job.counters["result_words"] * word]
    return RtlRetrieval(
        log=job.data[: len(workload.data.keys) * LOG_BYTES].reshape(-1, LOG_BYTES),
        bitmaps=np.ascontiguousarray(bitmaps.reshape(spec.heads, -1)[:, :bitmap_bytes]),
        records=records.reshape(-1, record_bytes),
        job=job,
    )


INGEST_WORDS = ("token_words", "record_words", "evict_words", "far_words", "log_words")
QUERY_WORDS = ("query_words", "gather_words", "select_words", "result_words")


def ingest_roofline(counters: Mapping[str, int], config: Config, memory: MemorySettings) -> Roofline:
    """Clustering and storing: work / throughput of every stage.

    Hash unit: a chunk a cycle. HCU: `compare_width` comparisons a cycle. Memory: words / words a cycle.
    """
    words = sum(counters[name] for name in INGEST_WORDS)
    return Roofline(
        cycles=counters["ingest_cycles"],
        stages={
            "hash unit": counters["tokens"] * config.spec.token_words,
            "HCU": counters["comparisons"] / config.compare_width,
            "memory": words / (memory.bandwidth / 256),
        },
    )


def query_roofline(counters: Mapping[str, int], config: Config, memory: MemorySettings) -> Roofline:
    """Scoring and gathering. Score unit: a chunk of a cluster a cycle. WTU: `rows` scores a cycle in, and one
    cluster a cycle in the mark. Memory: words / words a cycle."""
    words = sum(counters[name] for name in QUERY_WORDS)
    passes = counters["score_cycles"] / config.spec.chunks
    return Roofline(
        cycles=counters["query_cycles"],
        stages={
            "score unit": counters["score_cycles"],
            "WTU": 2 * passes,
            "memory": words / (memory.bandwidth / 256),
        },
    )


def kv_roofline(counters: Mapping[str, int], config: Config, memory: MemorySettings) -> Roofline:
    """The job: every query needs every token, so that the bounds of the two phases add up."""
    ingest, query = ingest_roofline(counters, config, memory), query_roofline(counters, config, memory)
    return Roofline(
        cycles=counters["cycles"],
        stages={f"{ingest.limit} of the tokens + {query.limit} of the queries": ingest.bound + query.bound},
    )
