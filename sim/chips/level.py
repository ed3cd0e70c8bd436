"""A hierarchy's picture: the cut that the search core finds, drawn by the splatting engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from golden.errors import InputError
from golden.lod.hierarchy import Hierarchy
from golden.lod.load import HIER, leaves, load_hierarchy
from golden.lod.sltree import build_sltree
from golden.lod.tree_image import build_tree_image
from golden.scenes import Camera, Scene, load_scene, orbit
from hw.lod.config import Config
from hw.lod.config import default as search_config
from hw.splat.config import default as splat_config
from sim.kernel.jobs import MemorySettings
from sim.kernel.pictures import side_by_side
from sim.kernel.run import Backend
from sim.lod import run as search
from sim.lod.budget import finest_cut
from sim.lod.workload import known_hierarchy, prepare
from sim.splat import run as splat
from sim.splat.workload import prepare as prepare_frame

PICTURE = 256  # pixels a side
PICTURE_TAUS = (2.0, 12.0, 40.0)


def load_detailed(source: str, *, cut: bool) -> tuple[Scene, Hierarchy | None]:
    """The scene at its finest, and its hierarchy where a cut of it is to be drawn.

    Raises:
        InputError: a `.hier` file without a cut, or whatever the readers refuse.
    """
    if cut:
        tree = load_hierarchy(source)
        return leaves(tree), tree
    if source.lower().endswith(HIER):
        raise InputError(
            f"{source}: a hierarchy is drawn at a threshold: give --tau, in pixels, or --budget, in Gaussians"
        )
    return load_scene(source), None


def cut_scene(
    tree: Hierarchy, camera: Camera, tau: float, config: Config, *, backend: Backend, check: bool = False,
    memory: MemorySettings = MemorySettings(),
) -> Scene:  # fmt: skip
    """The Gaussians on the cut of one view.

    Raises:
        CheckError: with `check`, RTL and model differ.
    """
    image = build_tree_image(build_sltree(tree, config.spec))
    workload = prepare(image, [camera], tau, config, temporal=False)
    found = search.run(workload, backend=backend, check=check, memory=memory)
    return tree.scene.select(tree.drawn(search.cut(found)))


def budget_scene(
    tree: Hierarchy, camera: Camera, budget: int, config: Config, *, backend: Backend, check: bool = False,
    memory: MemorySettings = MemorySettings(),
) -> tuple[Scene, float]:  # fmt: skip
    """The Gaussians of the finest cut of at most `budget` of them, and its threshold.

    Raises:
        InputError: no cut is within the budget, or the tree cannot have one.
        CheckError: with `check`, RTL and model differ.
    """
    image = build_tree_image(build_sltree(tree, config.spec))
    answer = finest_cut(image, camera, budget, config, backend=backend, check=check, memory=memory)
    return tree.scene.select(tree.drawn(search.cut(answer.run))), answer.best.tau


def draw_cuts(tree: Hierarchy, path: Path, *, size: int = PICTURE) -> None:
    """The tree's cut at three thresholds, found and drawn by the bit-true models of both engines."""
    camera = orbit(leaves(tree), 0, 3, width=size, height=size)
    pictures = {}
    for tau in PICTURE_TAUS:
        scene = cut_scene(tree, camera, tau, search_config(), backend=Backend.MODEL)
        drawn = splat.run(prepare_frame(scene, camera, splat_config()), backend=Backend.MODEL)
        pictures[f"{tau:g} px: {len(scene):,} Gaussians"] = drawn.results["framebuffer"][..., :3]
    side_by_side(path, pictures)


def record(docs: Path, progress: Callable[[str], None], *, size: int = PICTURE) -> list[Path]:
    """Draws the cuts of the known hierarchy.

    Raises:
        InputError: a size out of range, or no `.hier` tree.
    """
    if not 16 <= size <= 1024:
        raise InputError(f"--size must lie in 16..1024, it is {size}")
    tree = load_hierarchy(known_hierarchy())
    progress(f"{tree.scene.name}: pictures of its cuts")
    path = docs / "images" / "lod-cuts.png"
    draw_cuts(tree, path, size=size)
    return [path]
