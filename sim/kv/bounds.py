"""The least cycles that jobs can take, from the hardware's own counters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from golden.kv.spec import SCAN_BUCKETS
from hw.kv.config import Config
from hw.kv.rank_select import DIGITS
from sim.kernel.jobs import MemorySettings
from sim.kernel.roofline import Roofline

if TYPE_CHECKING:  # torch is slow to import
    from golden.kv.scan import ScanOptions

WALKS, EXACT_WALKS = 3, 2  # of a head: behind the first pass and for two digits; of exact mode besides
INGEST_WORDS = ("token_words", "record_words", "evict_words", "far_words", "log_words")
QUERY_WORDS = ("query_words", "gather_words", "select_words", "result_words")
SCAN_WORDS = ("row_words", "plane_words", "fetch_words", "list_words", "pick_words")
SINK_WORDS = ("sink_words", "select_words")


def phases(counters: Mapping[str, int], config: Config, memory: MemorySettings) -> dict[str, Roofline]:
    """The two phases of a retrieval."""
    return {
        "ingest": ingest_roofline(counters, config, memory),
        "query": query_roofline(counters, config, memory),
    }


def ingest_roofline(counters: Mapping[str, int], config: Config, memory: MemorySettings) -> Roofline:
    """Clustering and storing: work / throughput of every stage.

    Hash unit: a chunk a cycle. HCU: `compare_width` comparisons a cycle. Memory: words / words a cycle.
    """
    return Roofline(
        cycles=counters["ingest_cycles"],
        stages={
            "hash unit": counters["tokens"] * config.spec.token_words,
            "HCU": counters["comparisons"] / config.compare_width,
            "memory": _memory_cycles(counters, INGEST_WORDS, config, memory),
        },
    )


def query_roofline(counters: Mapping[str, int], config: Config, memory: MemorySettings) -> Roofline:
    """Scoring and gathering. Score unit: a chunk of a cluster a cycle. WTU: `rows` scores a cycle in, and one
    cluster a cycle in the mark. Memory: words / words a cycle."""
    passes = counters["score_cycles"] / config.spec.chunks
    return Roofline(
        cycles=counters["query_cycles"],
        stages={
            "score unit": counters["score_cycles"],
            "WTU": 2 * passes,
            "memory": _memory_cycles(counters, QUERY_WORDS, config, memory),
        },
    )


def retrieve_roofline(counters: Mapping[str, int], config: Config, memory: MemorySettings) -> Roofline:
    """A retrieval: every query needs every token, so that the bounds of the two phases add up."""
    ingest, query = phases(counters, config, memory).values()
    return Roofline(
        cycles=counters["cycles"],
        stages={f"{ingest.limit} of the tokens + {query.limit} of the queries": ingest.bound + query.bound},
    )


def scan_roofline(
    counters: Mapping[str, int], config: Config, options: ScanOptions, tokens: int, memory: MemorySettings
) -> Roofline:
    """A scan: planes and records move, counts of a digit are walked, and scores looked through for the digits that
    follow, one after another, so that their bounds add.

    Counts: a digit a cycle, `SCAN_BUCKETS` a walk. Scores: `sweep_words` words of tokens a cycle.
    """
    spec = config.spec
    walks = WALKS + EXACT_WALKS * options.exact
    rows = -(-tokens // (spec.plane_tokens * config.sweep_words))
    selecting = spec.heads * (walks * SCAN_BUCKETS + 2 * rows) if counters["plane_words"] else 0
    return Roofline(
        cycles=counters["cycles"],
        stages={"memory + selection": _memory_cycles(counters, SCAN_WORDS, config, memory) + selecting},
    )


def compress_roofline(counters: Mapping[str, int], tokens: int, config: Config, memory: MemorySettings) -> Roofline:
    """A compression: a score a cycle, loaded once and swept 2 · DIGITS + 2 times. Memory: words / words a cycle."""
    return Roofline(
        cycles=counters["cycles"],
        stages={
            "sweeps": (2 * DIGITS + 3) * tokens,
            "memory": _memory_cycles(counters, SINK_WORDS, config, memory),
        },
    )


def _memory_cycles(
    counters: Mapping[str, int], kinds: tuple[str, ...], config: Config, memory: MemorySettings
) -> float:
    return sum(counters[kind] for kind in kinds) / memory.words_a_cycle(config.word_bytes)
