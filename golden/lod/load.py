"""Loads a hierarchy: from a `.hier` file, or built over any scene."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from golden.lod.builder import build_hierarchy
from golden.lod.hier_file import load_hier
from golden.lod.hierarchy import Hierarchy
from golden.scenes import Scene, load_scene

HIER = ".hier"


def load_hierarchy(source: str | Path) -> Hierarchy:
    """Reads a hierarchy, or reads a scene and builds one.

    Raises:
        InputError: whatever the readers refuse.
    """
    if Path(source).suffix.lower() == HIER:
        return load_hier(source)
    return build_hierarchy(load_scene(source))


def leaves(tree: Hierarchy) -> Scene:
    """The scene at its finest: the Gaussians of the leaves, and those that the nodes above keep."""
    return tree.scene.select(tree.drawn(np.flatnonzero(tree.leaf)))
