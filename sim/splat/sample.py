"""The smallest honest job: what a bench that anybody can run draws."""

from __future__ import annotations

import numpy as np

from golden.scenes import load_scene, orbit
from golden.scenes.embedded import EMBEDDED_NAME
from hw.splat.config import Config
from sim.kernel.run import Operation
from sim.splat.run import DRAW
from sim.splat.workload import SplatWorkload, prepare

GAUSSIANS, SIZE = 300, 16


def sample(config: Config) -> tuple[Operation[SplatWorkload], SplatWorkload]:
    """A frame of 16 by 16 pixels of the first Gaussians of the built-in scene."""
    scene = load_scene(EMBEDDED_NAME).select(np.arange(GAUSSIANS))
    return DRAW, prepare(scene, orbit(scene, 0, 1, width=SIZE, height=SIZE), config)
