"""`tessera lod`: the cut of a hierarchy for one view or a path of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click
import numpy as np

from golden.errors import InputError
from golden.lod.load import leaves
from golden.lod.paths import PATHS, camera_path
from golden.scenes import Camera, Scene
from hw.lod.config import CONFIGS
from sim.commands.options import OutputFile, RunOptions, run_options
from sim.commands.viewpoint import Viewpoint, camera_options
from sim.kernel.console import out, step
from sim.kernel.files import write_array
from sim.lod.run import cut, report, run
from sim.lod.workload import load_tree, prepare


@click.command()
@click.argument("tree")
@click.option("--tau", type=float, required=True, help="Threshold in pixels: nodes of this size or more are split.")
@camera_options
@click.option("--path", "name", type=click.Choice(PATHS), help="Search a path of views instead of one view.")
@click.option("--frames", default=64, show_default=True, help="Number of views on the path.")
@click.option("--full", is_flag=True, help="Search every view of the path from the root, not from the view before.")
@click.option("--frustum", is_flag=True, help="Leave out what lies outside the picture; needs a full search.")
@run_options(CONFIGS)
@click.option("--cut", "cut_file", type=OutputFile(), help="Write the nodes on the last view's cut to FILE (NumPy).")
def lod(
    tree: str, tau: float, viewpoint: Viewpoint, name: str | None, frames: int, full: bool, frustum: bool,
    options: RunOptions, cut_file: Path | None,
) -> None:  # fmt: skip
    """Find the level-of-detail cut of a hierarchy.

    TREE is a .hier file, or any scene, over which a hierarchy is built.
    """
    config = replace(options.config, frustum=1) if frustum else options.config
    with step("loading the hierarchy"):
        image = load_tree(tree, config.spec)
        cameras = _cameras(leaves(image.sltree.hierarchy), viewpoint, name, frames)
    temporal = len(cameras) > 1 and not full and bool(config.temporal)
    if temporal and frustum:
        raise InputError("--frustum needs a full search: add --full")
    view = None if name else viewpoint.name
    workload = prepare(image, cameras, tau, config, temporal=temporal, frustum=frustum, name=name, view=view)
    with step(f"searching by {options.backend}"):
        searched = run(workload, **options.keywords())
    nodes = cut(searched)
    if cut_file:
        write_array(cut_file, nodes, dtype=np.int64)
    if searched.job:
        subtrees = len(image.sltree) * len(cameras)
        out.print(f"{searched.counters['subtrees']} of {subtrees} subtrees visited")
    options.finish(searched, report(searched))
    leaf = workload.tree.leaf
    out.print(f"{len(nodes)} of {len(leaf)} nodes are on the cut, {int(leaf[nodes].sum())} of them leaves")


def _cameras(scene: Scene, viewpoint: Viewpoint, name: str | None, frames: int) -> list[Camera]:
    """One view, or those of a path.

    Raises:
        InputError: a path with a camera of its own, or whatever the camera or the path refuses.
    """
    if name is None:
        return [viewpoint.camera(scene)]
    if viewpoint.camera_file is not None or viewpoint.orbit_text is not None:
        raise InputError("--path brings its own cameras: leave out --camera and --orbit")
    width, height = viewpoint.pixels
    return camera_path(scene, name, frames, width=width, height=height)
