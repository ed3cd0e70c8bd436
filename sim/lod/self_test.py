"""The job that a board tests itself with: a temporal search of a small tree."""

from __future__ import annotations

import numpy as np

from golden.lod.builder import build_hierarchy
from golden.lod.paths import camera_path
from golden.lod.result_region import result_region
from golden.lod.sltree import build_sltree
from golden.lod.tree_image import build_tree_image
from golden.scenes import load_scene
from golden.scenes.embedded import EMBEDDED_NAME
from hw.lod.config import Config
from sim.kernel.vectors import Vectors, vectors_of
from sim.lod.run import search_path
from sim.lod.workload import LodWorkload, prepare

GAUSSIANS, VIEWS, SIZE, TAU = 150, 2, 256, 12.0


def workload(config: Config) -> LodWorkload:
    """Two views of an orbit over the first Gaussians of the built-in scene; full searches where others cannot be."""
    scene = load_scene(EMBEDDED_NAME)
    tree = build_hierarchy(scene.select(np.arange(GAUSSIANS)))
    views = camera_path(scene, "orbit", VIEWS, width=SIZE, height=SIZE)
    image = build_tree_image(build_sltree(tree, config.spec))
    return prepare(image, views, TAU, config, temporal=bool(config.temporal))


def vectors(config: Config) -> Vectors:
    """The job, and its results by the model."""
    work = workload(config)
    model = search_path(work.image, work.path, temporal=work.temporal)
    return vectors_of(work.memory, result_region(model, work.memory))
