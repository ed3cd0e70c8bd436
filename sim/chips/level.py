"""The scene that one view of a hierarchy draws: its cut, as the search core finds it."""

from __future__ import annotations

import numpy as np

from golden.errors import InputError
from golden.lod.hierarchy import Hierarchy
from golden.lod.load import HIER, leaves, load_hierarchy
from golden.lod.sltree import build_sltree
from golden.lod.tree_image import build_tree_image, cut_nodes
from golden.lod.view import make_path
from golden.scenes import Camera, Scene, load_scene
from hw.lod.config import Config
from sim.kernel.jobs import MemorySettings
from sim.kernel.run import Backend
from sim.lod.workload import prepare, run_rtl


def load_detailed(source: str, tau: float | None) -> tuple[Scene, Hierarchy | None]:
    """The scene at its finest, and with a threshold its hierarchy.

    Raises:
        InputError: a `.hier` file without a threshold, or whatever the readers refuse.
    """
    if tau is not None:
        tree = load_hierarchy(source)
        return leaves(tree), tree
    if source.lower().endswith(HIER):
        raise InputError(f"{source}: a hierarchy is drawn at a threshold: give --tau, in pixels")
    return load_scene(source), None


def cut_scene(
    tree: Hierarchy,
    camera: Camera,
    tau: float,
    config: Config,
    *,
    backend: Backend,
    check: bool,
    memory: MemorySettings,
) -> Scene:
    """The Gaussians on the cut, found by the RTL, the bit-true model or the float reference.

    Raises:
        CheckError: with `check`, RTL and model differ.
    """
    if backend == "reference":
        import torch

        from golden.lod.reference import find_cut

        found = find_cut(tree, torch.from_numpy(camera.position), max(camera.fx, camera.fy), tau)
        return tree.scene.select(tree.gaussian[np.flatnonzero(found.cut.numpy())])
    image = build_tree_image(build_sltree(tree, config.spec))
    workload = prepare(image, make_path(image, [camera], tau), config, temporal=False)
    if backend == "model" or check:
        from sim.lod.check import check_search, search_model

        model = search_model(workload)
    if backend == "model":
        masks = model[-1].state.cut.numpy()
    else:
        rtl = run_rtl(workload, memory=memory)
        masks = rtl.last_cut(len(image.sltree))
        if check:
            check_search(workload, rtl, model)
    return tree.scene.select(tree.gaussian[cut_nodes(image.sltree, masks)])
