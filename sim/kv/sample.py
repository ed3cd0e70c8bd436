"""A short stream of tokens for estimates."""

from __future__ import annotations

from hw.kv.config import Config
from sim.kernel.jobs import MemorySettings
from sim.kernel.run import Run
from sim.kernel.sample import Events, Sample, words_moved
from sim.kv.run import RETRIEVE
from sim.kv.selection import mean_quality, result_qualities
from sim.kv.streams import SYNTHETIC, load_stream
from sim.kv.workload import prepare_retrieve, retrieve_options


def sample(config: Config, *, source: str | None = None, size: int | None = None) -> Sample:
    """Tokens clustered, then some queries. `size`: tokens."""
    stream = load_stream(source or SYNTHETIC, size or 64, queries=2, spec=config.spec)
    return Sample(
        operation=RETRIEVE,
        workload=prepare_retrieve(stream, config, retrieve_options(config.spec)),
        memory=MemorySettings(),
        measure="attention mass kept, of the best as many tokens'",
        quality=lambda run: mean_quality(result_qualities(run.workload, run.results))["relative_mass"],
        events=_events,
    )


def _events(run: Run) -> Events:
    c, spec = run.counters, run.workload.config.spec
    chunks = c["tokens"] * spec.token_words
    return {
        "hash_lane": chunks * spec.hash_bits,
        "hash_unit": chunks,
        "hcu": c["compare_cycles"],
        "score_lane": c["score_cycles"] * spec.rows,
        "score_unit": c["score_cycles"],
        "mean_unit": c["tokens"],
        "wtu_lane": c["row_scores"],
        "wtu": c["walk_cycles"],
        "vision_sink": c["sink_cycles"],
        "evictor": c["evict_words"],
        "": words_moved(c),
    }
