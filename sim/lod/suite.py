"""Whole camera paths through RTL, model and reference, and their reports."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from golden.errors import InputError
from golden.lod.band import Band, compare
from golden.lod.load import leaves
from golden.lod.model import Found
from golden.lod.paths import PATHS, camera_path
from golden.lod.tree_image import TreeImage, cut_nodes
from golden.scenes import Camera
from hw.lod.config import Config
from sim.kernel.console import step
from sim.kernel.dram import Dram
from sim.kernel.files import write_json
from sim.kernel.jobs import MemorySettings
from sim.kernel.roofline import Roofline, dram_bytes
from sim.kernel.run import Run
from sim.kernel.suite import SuiteTable
from sim.lod.run import run, summaries
from sim.lod.traversals import FLOAT_NODE_BYTES, exhaustive, pointer_chasing
from sim.lod.workload import known_trees, load_tree, prepare

FRAMES = 64
TAUS = (3.0, 6.0, 30.0)
FULL_EVERY = 16  # of a path's frames are searched in full too


@dataclass(frozen=True, kw_only=True)
class CheckedPath:
    """A path that equals the model's, view by view, and its first and last cut beside the reference's."""

    run: Run
    summaries: list[dict[str, int]]
    bands: list[Band]

    @property
    def roofline(self) -> Roofline:
        """The run's, which the RTL has made."""
        assert self.run.roofline is not None
        return self.run.roofline

    @property
    def smallest_split(self) -> float:
        """Size / tau of the smallest node that was split."""
        return min(band.smallest_split for band in self.bands)

    @property
    def bytes(self) -> int:
        """That went to and from memory."""
        return dram_bytes(self.run.counters, self.run.workload.config.word_bytes)["total"]

    def report(self) -> dict[str, Any]:
        """The run's, with its quality."""
        report = self.run.report()
        report["quality"] |= {
            "smallest_split_of_tau": self.smallest_split,
            "largest_kept_of_tau": max(band.largest_kept for band in self.bands),
            "cut_nodes": self.bands[0].nodes,
            "reference_cut_nodes": self.bands[0].reference_nodes,
            "different_nodes": self.bands[0].different,
        }
        return report

    def per_view(self, name: str, *, skip_first: bool) -> float:
        """Mean over the views of a field of their summaries."""
        values = [view[name] for view in self.summaries][int(skip_first) :]
        return float(np.mean(values)) if values else 0.0


def run_path(
    image: TreeImage, cameras: Sequence[Camera], tau: float, config: Config, *, temporal: bool,
    memory: MemorySettings = MemorySettings(), path_name: str = "path",
) -> CheckedPath:  # fmt: skip
    """Searches a path in RTL, compares it with the model, and its first and last view with the reference.

    Raises:
        CheckError: RTL and model differ.
    """
    workload = prepare(image, cameras, tau, config, temporal=temporal, name=path_name)
    searched = run(workload, memory=memory, check=True)
    assert searched.job is not None
    bands = [
        compare(
            workload.tree, cut_nodes(image.sltree, searched.model[k].state.cut.numpy()),
            cameras[k].position, max(cameras[k].fx, cameras[k].fy), tau,
        )
        for k in sorted({0, len(cameras) - 1})
    ]  # fmt: skip
    return CheckedPath(run=searched, summaries=summaries(workload, searched.job), bands=bands)


def overlap(model: Sequence[Found]) -> float:
    """Mean share of a view's cut that was on the cut of the view before."""
    shares: list[float] = []
    for before, after in itertools.pairwise(model):
        both = (before.state.cut & after.state.cut).numpy()
        shares.append(float(np.bitwise_count(both).sum() / max(np.bitwise_count(after.state.cut.numpy()).sum(), 1)))
    return float(np.mean(shares)) if shares else 1.0


def run_suite(
    config: Config, folder: Path, *, inputs: Sequence[str] = (), size: int = 512, stalls: Sequence[int] = (0,),
    taus: Sequence[float] = TAUS, paths: Sequence[str] = PATHS, frames: int = FRAMES,
    dram: Dram | None = None,
) -> SuiteTable:  # fmt: skip
    """Every tree, path and threshold: temporal search of all frames beside full search of some; reports to `folder`."""
    if not config.temporal:
        raise InputError("lod: the suite compares full and temporal search, temporal must be 1, it is 0")
    rows: list[tuple[object, ...]] = []
    for source in inputs or known_trees():
        image = load_tree(source, config.spec)
        tree = image.sltree.hierarchy
        scene = leaves(tree)
        for name in paths:
            cameras = camera_path(scene, name, frames, width=size, height=size)
            for tau in taus:
                for rate in stalls:
                    memory = MemorySettings(stalls=rate, dram=dram)
                    with step(f"{tree.scene.name}, {name}, {tau:g} px, pauses {rate}/256"):
                        full = run_path(
                            image, cameras[::FULL_EVERY], tau, config, temporal=False, memory=memory, path_name=name
                        )
                        temporal = run_path(image, cameras, tau, config, temporal=True, memory=memory, path_name=name)
                    stem = f"report-lod-{Path(source).stem}-{name}-{tau:g}-{rate}"
                    write_json(folder / f"{stem}-full.json", full.report())
                    write_json(folder / f"{stem}-temporal.json", temporal.report())
                    rows.append((tree.scene.name, name, f"{tau:g}", rate, *_row(full, temporal)))
    return SuiteTable(
        title=f"lod, {size}×{size}, {frames} frames: RTL equals the model in every visited subtree",
        head=(
            "tree", "path", "tau px", "pauses", "visits full", "temporal", "share", "overlap",
            "cycles full", "temporal", "speed-up", "ratio full",
            "temporal", "KB full", "temporal", "KB scan", "KB float scan", "KB chasing", "split/tau",
        ),
        rows=rows,
    )  # fmt: skip


def _row(full: CheckedPath, temporal: CheckedPath) -> tuple[object, ...]:
    """A line of the table, every figure a view; the first view of a temporal search is a full one and left out."""
    tree, config = full.run.workload.tree, full.run.workload.config
    visits = [full.per_view("subtrees", skip_first=False), temporal.per_view("subtrees", skip_first=True)]
    cycles = [full.per_view("cycles", skip_first=False), temporal.per_view("cycles", skip_first=True)]
    full_bytes = full.bytes / len(full.summaries)
    # What the later views moved: all, less what one full search moves.
    later = (temporal.bytes - full_bytes) / max(len(temporal.summaries) - 1, 1)
    visited = int(full.per_view("nodes", skip_first=False))
    scan = exhaustive(tree, config.spec.node_bits // 8, config.units, config.word_bytes)
    floats = exhaustive(tree, FLOAT_NODE_BYTES, config.units, config.word_bytes)
    chase = pointer_chasing(visited, config.units, full.run.memory.latency, config.word_bytes)
    assert temporal.summaries[0]["subtrees"] == full.summaries[0]["subtrees"]
    return (
        f"{visits[0]:.0f}", f"{visits[1]:.1f}", f"{visits[1] / visits[0]:.2%}", f"{overlap(temporal.run.model):.3%}",
        f"{cycles[0]:.0f}", f"{cycles[1]:.0f}", f"{cycles[0] / max(cycles[1], 1):.1f}",
        f"{full.roofline.ratio:.3f}", f"{temporal.roofline.ratio:.3f}",
        f"{full_bytes / 1e3:.0f}", f"{later / 1e3:.0f}",
        f"{scan.bytes / 1e3:.0f}", f"{floats.bytes / 1e3:.0f}", f"{chase.bytes / 1e3:.0f}",
        f"{full.smallest_split:.4f}",
    )  # fmt: skip
