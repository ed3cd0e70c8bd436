"""The pictures of docs/lod.md: a hierarchy at three thresholds, and what temporal search visits view by view."""

from __future__ import annotations

from pathlib import Path

from golden.lod.hierarchy import Hierarchy
from golden.lod.load import leaves
from golden.lod.model import SearchModel, initial_state
from golden.lod.paths import camera_path
from golden.lod.sltree import build_sltree
from golden.lod.spec import DEFAULT
from golden.lod.tree_image import TreeImage, build_tree_image
from golden.lod.view import make_path
from golden.scenes import orbit
from golden.splat.model import render
from hw.lod.config import default as search_config
from hw.splat.config import default as splat_config
from sim.chips.level import cut_scene
from sim.kernel.files import whole_file
from sim.kernel.jobs import MemorySettings
from sim.kernel.pictures import side_by_side
from sim.splat.workload import prepare

PICTURE = 256  # pixels a side
PICTURE_TAUS = (2.0, 12.0, 40.0)
PATHS = ("orbit", "walk", "jump")
PATH_TAU = 30.0
FRAMES = 64
TICKS = (200, 500, 1000, 2000, 5000)


def draw_cuts(tree: Hierarchy, path: Path) -> None:
    """The tree's cut at three thresholds, found and drawn by the bit-true models of both engines."""
    camera = orbit(leaves(tree), 0, 3, width=PICTURE, height=PICTURE)
    pictures = {}
    for tau in PICTURE_TAUS:
        scene = cut_scene(tree, camera, tau, search_config(), backend="model", check=False, memory=MemorySettings())
        workload = prepare(scene, camera, splat_config())
        frame = render(workload.image, workload.frame, workload.config.spec)
        pictures[f"{tau:g} px: {len(scene):,} Gaussians"] = frame.image.numpy()[..., :3]
    side_by_side(path, pictures)


def visits(image: TreeImage, name: str, *, size: int) -> list[int]:
    """Subtrees that a temporal search visits, view by view; the first search is a full one."""
    tree = image.sltree.hierarchy
    cameras = camera_path(leaves(tree), name, FRAMES, width=size, height=size)
    model, state, counts = SearchModel(image), initial_state(image), list[int]()
    for k, view in enumerate(make_path(image, cameras, PATH_TAU)):
        found = model.search(view, state, begin=k == 0)
        state = found.state
        counts.append(len(found.subtrees))
    return counts


def draw_visits(tree: Hierarchy, path: Path, *, size: int) -> None:
    """A line for every path."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    image = build_tree_image(build_sltree(tree, DEFAULT))
    figure, axis = pyplot.subplots(figsize=(7, 3.2), dpi=100)
    for name in PATHS:
        counts = visits(image, name, size=size)
        axis.plot(range(1, FRAMES + 1), counts, marker="o", markersize=2.5, linewidth=1, label=name)
    axis.set(
        xlabel="view", ylabel="subtrees visited", yscale="log",
        title=f"{tree.scene.name}, {PATH_TAU:g} px, of {len(image.sltree):,} subtrees",
    )  # fmt: skip
    axis.set_yticks(TICKS, labels=[f"{tick:,}" for tick in TICKS], minor=False)
    axis.minorticks_off()
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8)
    with whole_file(path) as temporary:
        figure.savefig(temporary, format="png", bbox_inches="tight")
    pyplot.close(figure)
