"""The smallest honest job: what a bench that anybody can run retrieves."""

from __future__ import annotations

from hw.kv.config import Config
from sim.kernel.run import Operation
from sim.kv.run import RETRIEVE
from sim.kv.streams import synthetic_stream
from sim.kv.workload import RetrieveWorkload, prepare_retrieve, retrieve_options

TOKENS, QUERIES = 40, 2


def sample(config: Config) -> tuple[Operation[RetrieveWorkload], RetrieveWorkload]:
    """Forty made-up tokens, and two queries of them."""
    stream = synthetic_stream(TOKENS, spec=config.spec, queries=QUERIES)
    return RETRIEVE, prepare_retrieve(stream, config, retrieve_options(config.spec))
