"""The picture of docs/lod.md that this engine makes alone: what temporal search visits view by view."""

from __future__ import annotations

from pathlib import Path

from golden.lod.hierarchy import Hierarchy
from golden.lod.load import leaves
from golden.lod.paths import camera_path
from golden.lod.sltree import build_sltree
from golden.lod.spec import DEFAULT
from golden.lod.tree_image import TreeImage, build_tree_image
from golden.lod.view import make_path
from sim.kernel.files import whole_file
from sim.lod.run import search_path

PATHS = ("orbit", "walk", "jump")
PATH_TAU = 30.0
FRAMES = 64
TICKS = (200, 500, 1000, 2000, 5000)


def visits(image: TreeImage, name: str, *, size: int) -> list[int]:
    """Subtrees that a temporal search visits, view by view; the first search is a full one."""
    cameras = camera_path(leaves(image.sltree.hierarchy), name, FRAMES, width=size, height=size)
    found = search_path(image, make_path(image, cameras, PATH_TAU), temporal=True)
    return [len(view.subtrees) for view in found]


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
