"""The stream that the page of comparisons shows."""

from __future__ import annotations

from hw.kv.config import default
from sim.kernel.suite import Case, Compared
from sim.kv.streams import SYNTHETIC, load_stream
from sim.kv.suite import run_stream

#: What engine and baselines compute with; docs/kv.md has the formats.
PRECISION = "int8 codes on both sides"
TOKENS = 4096

#: What `tessera baseline` measures where nothing is named: the same workloads.
MEASURED = {"inputs": (SYNTHETIC,), "size": TOKENS}


def _stream() -> Compared:
    config = default()
    return Compared(report=run_stream(load_stream(SYNTHETIC, TOKENS, spec=config.spec), config))


def cases() -> list[Case]:
    """A made-up stream, video-like."""
    return [Case(name=f"{SYNTHETIC}-{TOKENS}", run=_stream)]
