"""The job that a board tests itself with: a small picture of a thinned scene."""

from __future__ import annotations

import numpy as np

from golden.scenes import load_scene, orbit
from golden.scenes.embedded import EMBEDDED_NAME
from golden.splat.model import render
from golden.splat.result_region import result_region
from hw.splat.config import Config
from sim.kernel.vectors import Vectors, vectors_of
from sim.splat.workload import SplatWorkload, prepare

STEP, WIDTH, HEIGHT = 320, 32, 16  # every 320th Gaussian


def workload(config: Config) -> SplatWorkload:
    """Eight groups of `nano` with stones before and behind another, of which it has to part some."""
    scene = load_scene(EMBEDDED_NAME)
    thinned = scene.select(np.arange(0, len(scene), STEP))
    return prepare(thinned, orbit(scene, 0, 3, width=WIDTH, height=HEIGHT), config)


def vectors(config: Config) -> Vectors:
    """The job, and its results by the model."""
    work = workload(config)
    model = render(work.image, work.frame, config.spec)
    return vectors_of(work.memory, result_region(model, work.frame, work.memory, config.spec))
