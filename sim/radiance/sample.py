"""The smallest honest job: what a bench that anybody can run looks up."""

from __future__ import annotations

from hw.radiance.config import Config
from sim.kernel.run import Operation
from sim.radiance.run import LOOK_UP
from sim.radiance.traces import load_trace
from sim.radiance.workload import RadianceWorkload, prepare


def sample(config: Config) -> tuple[Operation[RadianceWorkload], RadianceWorkload]:
    """Two frames of 16 by 16 made-up pixels."""
    return LOOK_UP, prepare(load_trace("synthetic:3", config.spec, size=16, frames=2), config)
