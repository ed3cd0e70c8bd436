"""The job that a board tests itself with: a retrieval from a short stream."""

from __future__ import annotations

from golden.kv.model import retrieve
from golden.kv.result_region import result_region
from hw.kv.config import Config
from sim.kernel.vectors import Vectors, vectors_of
from sim.kv.streams import synthetic_stream
from sim.kv.workload import RetrieveWorkload, prepare_retrieve, retrieve_options

TOKENS, QUERIES = 24, 2


def workload(config: Config) -> RetrieveWorkload:
    """Synthetic keys in the heads of the config."""
    stream = synthetic_stream(TOKENS, spec=config.spec, queries=QUERIES)
    return prepare_retrieve(stream, config, retrieve_options(config.spec))


def vectors(config: Config) -> Vectors:
    """The job, and its results by the model."""
    work = workload(config)
    model = retrieve(work.data, config.spec, work.options)
    return vectors_of(work.memory, result_region(model, work.data, work.memory, config.spec))
