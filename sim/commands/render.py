"""`tessera render`: one frame by RTL, model or reference."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import click

from golden.errors import InputError
from golden.lod.hierarchy import Hierarchy
from golden.scenes import Camera, Scene
from golden.splat.far_off import count_far_off
from golden.splat.scene_image import count_clipped
from hw.lod.config import CONFIGS as LOD_CONFIGS
from hw.splat.config import CONFIGS
from sim.chips.level import budget_scene, cut_scene, load_detailed
from sim.commands.background import background_option
from sim.commands.options import OutputFile, RunOptions, run_options
from sim.commands.viewpoint import Viewpoint, camera_options
from sim.kernel.console import out, step, warn
from sim.kernel.files import to_bytes, write_array, write_png
from sim.kernel.run import Backend
from sim.splat.picture import BLACK, Color, over, straight, too_bright
from sim.splat.run import layers, overflow, run
from sim.splat.workload import NEAR, prepare


@click.command()
@click.argument("scene")
@camera_options
@click.option("--near", default=NEAR, show_default=True, help="Near plane, in scene units.")
@click.option(
    "--tau",
    type=float,
    help="Draw the level-of-detail cut of a hierarchy (.hier, or built over SCENE) at this many pixels.",
)
@click.option("--budget", type=int, help="Draw the finest level-of-detail cut of at most this many Gaussians.")
@run_options(CONFIGS)
@click.option("--out", "picture", type=OutputFile(), required=True, help="Write the picture to FILE as PNG.")
@click.option(
    "--array",
    "array_file",
    type=OutputFile(),
    help="Write the picture to FILE as numbers (NumPy, float32 [H, W, 3], with --alpha [H, W, 4]).",
)
@background_option
@click.option(
    "--alpha",
    is_flag=True,
    help="No background: coverage as the picture's alpha, colours not multiplied by it.",
)
def render(
    scene: str, viewpoint: Viewpoint, near: float, tau: float | None, budget: int | None, options: RunOptions,
    picture: Path, array_file: Path | None, background: Color, alpha: bool,
) -> None:  # fmt: skip
    """Draw a frame of SCENE.

    SCENE is a file (.ply, .splat, .ksplat, .spz, .sog, .tsr, or with --tau or --budget a .hier) or the word `embedded`,
    the built-in scene.
    """
    if not 0 < near < math.inf:
        raise InputError(f"--near must be a positive number, it is {near:g}")
    if alpha and background != BLACK:
        raise InputError("--alpha leaves the background open: leave out --background")
    if tau is not None and budget is not None:
        raise InputError("a cut has --tau, in pixels, or --budget, in Gaussians: give one of them")
    with step("loading the scene"):
        loaded, tree = load_detailed(scene, cut=tau is not None or budget is not None)
        camera = viewpoint.camera(loaded)
    if loaded.dropped:
        out.print(f"{loaded.name}: {loaded.dropped} Gaussians are not finite or have no rotation and were left out")
    for note in loaded.notes:
        out.print(f"{loaded.name}: {note}")
    if tree is not None:
        loaded, tau = _cut(tree, camera, tau, budget, options)
        out.print(f"{len(loaded)} of {len(tree)} Gaussians are on the cut at {tau:.12g} px")
    with step("quantising and ordering the scene"):
        workload = prepare(loaded, camera, options.config, near=near, view=viewpoint.name)
    exact = options.backend == Backend.REFERENCE
    for notice in () if exact else workload.seen.notices():
        out.print(f"{loaded.name}: {notice}")
    clipped = 0 if exact else count_clipped(loaded, options.config.spec)
    if clipped:
        out.print(f"{loaded.name}: {clipped} Gaussians have colours beyond the formats and are drawn clipped")
    far_off = 0 if exact else count_far_off(workload.image, workload.frame, options.config.spec)
    if far_off:
        out.print(f"{loaded.name}: {far_off} Gaussians may reach the image from too far off and are drawn wrongly")
    with step(f"drawing by {options.backend}"):
        drawn = run(workload, **options.keywords())
    values = straight(layers(drawn)) if alpha else over(layers(drawn), background)
    bright = too_bright(layers(drawn)) if alpha else 0
    if bright:
        out.print(f"{picture}: {bright} pixels are brighter than straight alpha can say and are clipped")
    write_png(picture, to_bytes(values))
    if array_file:
        write_array(array_file, values)
    report = drawn.report()
    report["workload"] |= {"background": None if alpha else list(background)}
    options.finish(drawn, report)
    if overflowed := overflow(drawn):
        warn(overflowed)
    out.print(f"{picture}: {camera.width}×{camera.height}")


def _cut(
    tree: Hierarchy, camera: Camera, tau: float | None, budget: int | None, options: RunOptions
) -> tuple[Scene, float]:
    """The scene that is drawn, and its threshold."""
    config = LOD_CONFIGS[options.config_name]()
    settings: dict[str, Any] = {"backend": options.backend, "check": options.check, "memory": options.memory}
    with step("searching the hierarchy"):
        if tau is None:
            assert budget is not None
            return budget_scene(tree, camera, budget, config, **settings)
        return cut_scene(tree, camera, tau, config, **settings), tau
