"""The smallest honest job: what a bench that anybody can run searches."""

from __future__ import annotations

import numpy as np

from golden.lod.builder import build_hierarchy
from golden.lod.paths import camera_path
from golden.lod.sltree import build_sltree
from golden.lod.tree_image import build_tree_image
from golden.scenes import load_scene
from golden.scenes.embedded import EMBEDDED_NAME
from hw.lod.config import Config
from sim.kernel.run import Operation
from sim.lod.run import SEARCH
from sim.lod.workload import LodWorkload, prepare

GAUSSIANS, VIEWS, SIZE, TAU = 400, 2, 256, 12.0


def sample(config: Config) -> tuple[Operation[LodWorkload], LodWorkload]:
    """Two views of an orbit through a tree over the first Gaussians of the built-in scene."""
    scene = load_scene(EMBEDDED_NAME).select(np.arange(GAUSSIANS))
    image = build_tree_image(build_sltree(build_hierarchy(scene), config.spec))
    views = camera_path(scene, "orbit", VIEWS, width=SIZE, height=SIZE)
    return SEARCH, prepare(image, views, TAU, config, temporal=bool(config.temporal))
