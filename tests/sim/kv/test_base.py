"""The KV-retrieval engine finds its job at the address that comes with `start`."""

from __future__ import annotations

from golden.kv.memory_image import build_memory_image
from golden.kv.model import Options
from hw.kv.config import tiny
from hw.kv.counters import COUNTERS
from hw.kv.gather import ROW_BYTES
from hw.kv.top import KvEngine
from tests.golden.kv.streams import clustered
from tests.sim.placement import same_anywhere


def test_a_job_anywhere_in_memory(seed: int) -> None:
    """At the start of any DRAM row, so that as many bursts hit an open row."""
    config = tiny()
    data, options = clustered(config.spec, 60, 2, seed=seed, anchors=10), Options.of(config.spec)
    same_anywhere(
        lambda: KvEngine(config=config), "kv", config,
        lambda base: build_memory_image(data, config.spec, options, base=base), COUNTERS,
        step=ROW_BYTES, seed=seed,
    )  # fmt: skip
