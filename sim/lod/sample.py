"""A short walk for estimates."""

from __future__ import annotations

from golden.lod.band import compare
from golden.lod.load import leaves
from golden.lod.paths import camera_path
from golden.lod.tree_image import cut_nodes
from golden.scenes.embedded import EMBEDDED_NAME
from hw.lod.config import Config
from sim.kernel.jobs import MemorySettings
from sim.kernel.run import Run
from sim.kernel.sample import Events, Sample, words_moved
from sim.lod.run import SEARCH
from sim.lod.workload import load_tree, prepare

TAU = 6.0  # pixels
VIEWS = 2


def sample(config: Config, *, source: str | None = None, size: int | None = None) -> Sample:
    """The first views of an orbit. `size`: pixels a side."""
    image = load_tree(source or EMBEDDED_NAME, config.spec)
    scene = leaves(image.sltree.hierarchy)
    views = camera_path(scene, "orbit", VIEWS, width=size or 64, height=size or 64)
    return Sample(
        operation=SEARCH,
        workload=prepare(image, views, TAU, config, temporal=bool(config.temporal), name="orbit"),
        memory=MemorySettings(),
        measure="size of the smallest node that was split, of tau",
        quality=_quality,
        events=_events,
    )


def _quality(run: Run) -> float:
    workload, camera = run.workload, run.workload.cameras[-1]
    cut = cut_nodes(workload.image.sltree, run.model[-1].state.cut.numpy())
    band = compare(workload.tree, cut, camera.position, max(camera.fx, camera.fy), workload.tau)
    return float(band.smallest_split)


def _events(run: Run) -> Events:
    c = run.counters
    return {
        **dict.fromkeys(
            ("size_check", "frustum_check", "decisions", "slack", "entry_filter", "issue"), c["nodes_tested"]
        ),
        "lt_unit": c["nodes_tested"],
        "horizon": c["subtrees"],
        "": words_moved(c),
    }
