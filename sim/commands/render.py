"""`tessera render`: a frame, or a sequence, by RTL, model or reference."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import Any

import click

from golden.errors import InputError
from golden.lod.hierarchy import Hierarchy
from golden.scenes import Camera, Scene
from hw.lod.config import CONFIGS as LOD_CONFIGS
from hw.splat.config import CONFIGS
from sim.chips.level import budget_scene, cut_scene, load_detailed
from sim.chips.lumina import OPTION, CachedSequence, choose_rules
from sim.commands.background import background_option
from sim.commands.camera_path import CameraPath
from sim.commands.options import OutputFile
from sim.commands.run_options import RunOptions, run_options
from sim.commands.sequence import Draw, SequenceFiles, draw_sequence
from sim.commands.viewpoint import Viewpoint, camera_options
from sim.kernel.console import out, step, warn
from sim.kernel.files import to_bytes, write_array, write_png
from sim.kernel.run import Backend
from sim.splat.picture import BLACK, Color, over, straight, too_bright
from sim.splat.run import layers, overflow, run
from sim.splat.shared_sequence import SharedSequence, Sharing
from sim.splat.workload import NEAR, Lists, notices, prepare


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
@click.option(
    "--lists",
    type=click.Choice(list(Lists), case_sensitive=False),
    default=Lists.ENGINE,
    show_default=True,
    help="Who orders the voxels for the view: the engine from the camera alone, or the host.",
)
@click.option(
    "--path",
    "path_text",
    metavar="PATH",
    help="Draw a sequence: orbit:FRAMES:STEPdeg, from --orbit on, or a file with a list of cameras.",
)
@click.option(
    "--frames",
    "frames_text",
    metavar="FIRST:END",
    help="Of the sequence, the frames FIRST to END - 1, counted from 0. [default: all]",
)
@click.option(
    "--radiance",
    is_flag=True,
    help="Draw the sequence with a radiance cache that goes from frame to frame (--backend model or rtl).",
)
@click.option(
    OPTION,
    "rules",
    multiple=True,
    metavar="FIELD=VALUE",
    help="Change one rule of --radiance or one field of its cache; may be repeated.",
)
@click.option("--sort-window", type=int, help="Sort once for so many frames of the sequence (--backend rtl or model).")
@click.option("--sort-margin", type=int, help="Pixels around every square in which that sort looks. [default: 8]")
@click.option(
    "--sort-fastest",
    type=float,
    help="Degrees a frame of a camera's turn above which every frame is sorted. [default: 1.5]",
)
@run_options(CONFIGS)
@click.option(
    "--out",
    "picture",
    type=OutputFile(),
    help="Write the picture to FILE as PNG; of a sequence each, with its number at the end of the name.",
)
@click.option("--video", "video_file", type=OutputFile(), help="Write the sequence to FILE, .gif or .mp4.")
@click.option("--fps", default=24, show_default=True, help="Frames a second of the video.")
@click.option(
    "--array",
    "array_file",
    type=OutputFile(),
    help="Write the picture to FILE as numbers (NumPy, float32 [H, W, 3], with --alpha [H, W, 4]); "
    "of a sequence all pictures.",
)
@background_option
@click.option(
    "--alpha",
    is_flag=True,
    help="No background: coverage as the picture's alpha, colours not multiplied by it.",
)
def render(
    scene: str, viewpoint: Viewpoint, near: float, tau: float | None, budget: int | None, lists: Lists,
    path_text: str | None, frames_text: str | None, radiance: bool, rules: tuple[str, ...], sort_window: int | None,
    sort_margin: int | None, sort_fastest: float | None, options: RunOptions, picture: Path | None,
    video_file: Path | None, fps: int, array_file: Path | None, background: Color, alpha: bool,
) -> None:  # fmt: skip
    """Draw a frame of SCENE, or with --path a sequence.

    SCENE is a file (.ply, .splat, .ksplat, .spz, .sog, .tsr, or with --tau or --budget a .hier) or the word `embedded`,
    the built-in scene.
    """
    if not 0 < near < math.inf:
        raise InputError(f"--near must be a positive number, it is {near:g}")
    if alpha and background != BLACK:
        raise InputError("--alpha leaves the background open: leave out --background")
    if tau is not None and budget is not None:
        raise InputError("a cut has --tau, in pixels, or --budget, in Gaussians: give one of them")
    cut = tau is not None or budget is not None
    if rules and not radiance:
        raise InputError(f"{OPTION} is of a radiance cache: say --radiance")
    sharing = _sharing(sort_window, sort_margin, sort_fastest)
    if sharing and radiance:
        raise InputError("--radiance and --sort-window are drawn each by itself: give one of them")
    if path_text is not None:
        path = CameraPath(text=path_text, frames_text=frames_text, viewpoint=viewpoint)
        files = SequenceFiles(pictures=picture, array=array_file, video=video_file, fps=fps)
        files.check(alpha=alpha, report=options.report is not None or options.as_json)
        if cut or options.waves:
            raise InputError("--tau, --budget and --waves are for a single frame: leave out --path")
        draw: Draw = partial(run, **options.keywords())
        if radiance:
            chosen = choose_rules(options.config.spec, rules)
            draw = CachedSequence(chosen, options.config, **options.keywords())
        elif sharing:
            draw = SharedSequence(sharing, **options.keywords())
        loaded, _ = _load(scene, cut=False)
        cameras = path.cameras(loaded)
        draw_sequence(
            loaded, cameras, options, files, draw,
            near=near, lists=lists, background=background, alpha=alpha, path=path_text,
        )  # fmt: skip
        return
    if frames_text is not None or video_file is not None or radiance or sharing:
        raise InputError("--frames, --video, --radiance and --sort-window are of a sequence: say its --path")
    if picture is None:
        raise click.MissingParameter(param_hint="'--out'", param_type="option")
    loaded, tree = _load(scene, cut=cut)
    camera = viewpoint.camera(loaded)
    if tree is not None:
        loaded, tau = _cut(tree, camera, tau, budget, options)
        out.print(f"{len(loaded)} of {len(tree)} Gaussians are on the cut at {tau:.12g} px")
    with step("quantising and ordering the scene"):
        workload = prepare(loaded, camera, options.config, near=near, view=viewpoint.name, lists=lists)
    for notice in () if options.backend == Backend.REFERENCE else notices(workload):
        out.print(f"{loaded.name}: {notice}")
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


def _sharing(window: int | None, margin: int | None, fastest: float | None) -> Sharing | None:
    """What --sort-window and its companions ask for.

    Raises:
        InputError: a companion alone, or a value out of range.
    """
    given: dict[str, Any] = {"margin": margin, "fastest": fastest}
    given = {name: value for name, value in given.items() if value is not None}
    if window is not None:
        return Sharing(window=window, **given)
    if given:
        raise InputError(f"--sort-{next(iter(given))} needs --sort-window FRAMES")
    return None


def _load(scene: str, *, cut: bool) -> tuple[Scene, Hierarchy | None]:
    """The scene, and its hierarchy where a cut of it is to be drawn; says what was left out."""
    with step("loading the scene"):
        loaded, tree = load_detailed(scene, cut=cut)
    if loaded.dropped:
        out.print(f"{loaded.name}: {loaded.dropped} Gaussians are not finite or have no rotation and were left out")
    for note in loaded.notes:
        out.print(f"{loaded.name}: {note}")
    return loaded, tree


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
