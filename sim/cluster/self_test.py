"""The job that a board tests itself with: a fused decode step of a small head."""

from __future__ import annotations

from golden.cluster.heads import random_head
from golden.cluster.result_region import result_region
from hw.cluster.config import Config
from sim.cluster.decode_workload import DecodeWorkload, prepare_step
from sim.cluster.run import PROGRAM
from sim.kernel.vectors import Vectors, vectors_of

HEAD, HIDDEN, TOKENS, SEED = 32, 64, 12, 1


def workload(config: Config) -> DecodeWorkload:
    """A random head: projections, rotation, attention over the cache, output."""
    return prepare_step(config, *random_head(HEAD, HIDDEN, TOKENS, SEED))


def vectors(config: Config) -> Vectors:
    """The job, and its results by the model."""
    work = workload(config)
    return vectors_of(work.memory, result_region(PROGRAM.model(work), work.memory))
