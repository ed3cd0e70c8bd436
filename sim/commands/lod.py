"""`tessera lod`: the cut of a hierarchy for one view or a path of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np

from golden.errors import InputError
from golden.lod.load import leaves
from golden.lod.paths import PATHS, camera_path
from golden.lod.tree_image import TreeImage
from golden.scenes import Camera, Scene
from hw.lod.config import CONFIGS
from sim.commands.options import OutputFile
from sim.commands.run_options import RunOptions, run_options
from sim.commands.viewpoint import Viewpoint, camera_options
from sim.kernel.console import out, show_table, step
from sim.kernel.files import write_array
from sim.kernel.quality import shown
from sim.kernel.run import Run
from sim.lod.budget import FinestCut, finest_cuts
from sim.lod.run import cut, report, run
from sim.lod.workload import load_tree, prepare


@click.command()
@click.argument("tree")
@click.option("--tau", type=float, help="Threshold in pixels: nodes of this size or more are split.")
@click.option("--budget", type=int, help="Find the finest cut of at most this many Gaussians, instead of --tau.")
@camera_options
@click.option("--path", "name", type=click.Choice(PATHS), help="Search a path of views instead of one view.")
@click.option("--frames", default=64, show_default=True, help="Number of views on the path.")
@click.option("--full", is_flag=True, help="Search every view of the path from the root, not from the view before.")
@click.option("--frustum", is_flag=True, help="Leave out what lies outside the picture; needs a full search.")
@run_options(CONFIGS)
@click.option("--cut", "cut_file", type=OutputFile(), help="Write the nodes on the last view's cut to FILE (NumPy).")
def lod(
    tree: str, tau: float | None, budget: int | None, viewpoint: Viewpoint, name: str | None, frames: int, full: bool,
    frustum: bool, options: RunOptions, cut_file: Path | None,
) -> None:  # fmt: skip
    """Find the level-of-detail cut of a hierarchy.

    TREE is a .hier file, or any scene, over which a hierarchy is built.
    """
    if (tau is None) == (budget is None):
        raise InputError("a cut needs --tau, in pixels, or --budget, in Gaussians: give one of them")
    if budget is not None:
        _refuse_for_budget(options, frustum=frustum)
    config = replace(options.config, frustum=1) if frustum else options.config
    with step("loading the hierarchy"):
        image = load_tree(tree, config.spec)
        cameras = _cameras(leaves(image.sltree.hierarchy), viewpoint, name, frames)
    if tau is None:
        searched, written = _within(image, cameras, budget or 0, options)
    else:
        temporal = len(cameras) > 1 and not full and bool(config.temporal)
        if temporal and frustum:
            raise InputError("--frustum needs a full search: add --full")
        view = None if name else viewpoint.name
        workload = prepare(image, cameras, tau, config, temporal=temporal, frustum=frustum, name=name, view=view)
        with step(f"searching by {options.backend}"):
            searched = run(workload, **options.keywords())
        written = report(searched)
    nodes = cut(searched)
    if cut_file:
        write_array(cut_file, nodes, dtype=np.int64)
    if searched.job:
        subtrees = len(image.sltree) * len(searched.workload.path)
        out.print(f"{searched.counters['subtrees']} of {subtrees} subtrees visited")
    options.finish(searched, written)
    leaf = image.sltree.hierarchy.leaf
    out.print(f"{len(nodes)} of {len(leaf)} nodes are on the cut, {int(leaf[nodes].sum())} of them leaves")


def _refuse_for_budget(options: RunOptions, *, frustum: bool) -> None:
    """What makes no sense for many searches of whole cuts.

    Raises:
        InputError: a frustum, or waves.
    """
    if frustum:
        raise InputError("--budget counts the whole cut, in sight or not: leave out --frustum")
    if options.waves:
        raise InputError("--waves shows one search, --budget takes many: give the --tau that it finds")


def _within(image: TreeImage, cameras: list[Camera], budget: int, options: RunOptions) -> tuple[Run, dict[str, Any]]:
    """The last view's search at the threshold that keeps to the budget, and its report with every view's figures."""
    settings = {"backend": options.backend, "memory": options.memory, "check": options.check}
    with step(f"searching by {options.backend}"):
        answers = list(finest_cuts(image, cameras, budget, options.config, **settings))
    show_table(
        f"the finest cuts of at most {budget} Gaussians",
        ("view", "tau, px", "Gaussians", "next finer", "its Gaussians", "searches", "cycles"),
        ((k, *_row(answer)) for k, answer in enumerate(answers)),
    )
    whole = report(answers[-1].run)
    whole["workload"]["budget"] = {"gaussians": budget, "views": [answer.figures() for answer in answers]}
    return answers[-1].run, whole


def _row(answer: FinestCut) -> tuple[object, ...]:
    finer = answer.finer
    beyond = ("–", "–") if finer is None else (f"{finer.tau:.12g}", finer.gaussians)
    return f"{answer.best.tau:.12g}", answer.best.gaussians, *beyond, len(answer.trials), shown(answer.cycles, "d")


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
