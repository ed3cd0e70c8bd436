"""The job that a board tests itself with: two frames of a synthetic path."""

from __future__ import annotations

from golden.radiance.result_region import result_region
from hw.radiance.config import Config
from sim.kernel.vectors import Vectors, vectors_of
from sim.radiance.run import play_trace
from sim.radiance.traces import load_trace
from sim.radiance.workload import RadianceWorkload, prepare

SIZE, FRAMES = 16, 2


def workload(config: Config) -> RadianceWorkload:
    """The second frame begins with the caches that the first one has saved."""
    return prepare(load_trace("synthetic:3", config.spec, size=SIZE, frames=FRAMES), config)


def vectors(config: Config) -> Vectors:
    """The job, and its results by the model."""
    work = workload(config)
    return vectors_of(work.memory, result_region(play_trace(work), work.memory))
