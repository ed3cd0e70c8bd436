"""Whole camera paths through RTL, model and reference, and their reports."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from golden.errors import InputError
from golden.lod.band import compare
from golden.lod.hierarchy import Hierarchy
from golden.lod.load import leaves, load_hierarchy
from golden.lod.model import Found
from golden.lod.paths import PATHS, camera_path
from golden.lod.sltree import build_sltree
from golden.lod.tree_image import TreeImage, build_tree_image, cut_nodes
from golden.lod.view import make_path
from hw.lod.config import Config
from sim.kernel.console import step
from sim.kernel.files import write_json
from sim.kernel.jobs import MemorySettings
from sim.kernel.report import make_report
from sim.kernel.roofline import Roofline, dram_bytes
from sim.kernel.suite import SuiteTable
from sim.lod.check import check_search, search_model
from sim.lod.traversals import FLOAT_NODE_BYTES, exhaustive, pointer_chasing
from sim.lod.workload import RtlSearch, known_trees, lod_roofline, prepare, run_rtl

FRAMES = 64
TAUS = (3.0, 6.0, 30.0)
FULL_EVERY = 16  # of a path's frames are searched in full too


@dataclass(frozen=True, kw_only=True)
class PathRun:
    """A path that equals the model's, view by view."""

    rtl: RtlSearch
    model: list[Found]
    roofline: Roofline
    report: dict[str, Any]

    def per_view(self, name: str, *, skip_first: bool) -> float:
        """Mean over the views of a field of their summaries."""
        values = [view.summary[name] for view in self.rtl.views][int(skip_first) :]
        return float(np.mean(values)) if values else 0.0


def run_path(
    image: TreeImage, cameras: Sequence[Any], tau: float, config: Config, *, temporal: bool,
    memory: MemorySettings = MemorySettings(), path_name: str = "path",
) -> PathRun:  # fmt: skip
    """Searches a path in RTL, compares it with the model, and its first and last view with the reference.

    Raises:
        CheckError: RTL and model differ.
    """
    tree = image.sltree.hierarchy
    workload = prepare(image, make_path(image, cameras, tau), config, temporal=temporal)
    rtl = run_rtl(workload, memory=memory)
    model = search_model(workload)
    check_search(workload, rtl, model)
    bands = [
        compare(tree, cut_nodes(image.sltree, model[k].state.cut.numpy()), cameras[k].position, cameras[k].fx, tau)
        for k in {0, len(cameras) - 1}
    ]
    roofline = lod_roofline(rtl, config, memory)
    report = make_report(
        engine="lod",
        config=config,
        seed=memory.seed,
        workload={
            "tree": tree.scene.name, "nodes": len(tree), "subtrees": len(image.sltree), "path": path_name,
            "frames": len(cameras), "size": f"{cameras[0].width}x{cameras[0].height}", "tau_px": tau,
            "search": "temporal" if temporal else "full",
        },
        memory=vars(memory),
        roofline=roofline,
        counters=rtl.job.counters,
        dram_bytes=dram_bytes(rtl.job.counters, config.word_bytes),
        quality={
            "rtl_equals_model": True,
            "smallest_split_of_tau": min(b.smallest_split for b in bands),
            "largest_kept_of_tau": max(b.largest_kept for b in bands),
            "cut_nodes": bands[0].nodes,
            "reference_cut_nodes": bands[0].reference_nodes,
            "different_nodes": bands[0].different,
        },
    )  # fmt: skip
    return PathRun(rtl=rtl, model=model, roofline=roofline, report=report)


def load_tree(source: str, config: Config) -> tuple[Hierarchy, TreeImage]:
    """A hierarchy in the engine's form."""
    tree = load_hierarchy(source)
    return tree, build_tree_image(build_sltree(tree, config.spec))


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
) -> SuiteTable:  # fmt: skip
    """Every tree, path and threshold: temporal search of all frames beside full search of some; reports to `folder`."""
    if not config.temporal:
        raise InputError("lod: the suite compares full and temporal search, temporal must be 1, it is 0")
    rows: list[tuple[object, ...]] = []
    for source in inputs or known_trees():
        tree, image = load_tree(source, config)
        scene = leaves(tree)
        for name in paths:
            cameras = camera_path(scene, name, frames, width=size, height=size)
            for tau in taus:
                for rate in stalls:
                    memory = MemorySettings(stalls=rate)
                    with step(f"{tree.scene.name}, {name}, {tau:g} px, pauses {rate}/256"):
                        full = run_path(
                            image, cameras[::FULL_EVERY], tau, config, temporal=False, memory=memory, path_name=name
                        )
                        temporal = run_path(image, cameras, tau, config, temporal=True, memory=memory, path_name=name)
                    stem = f"report-lod-{Path(source).stem}-{name}-{tau:g}-{rate}"
                    write_json(folder / f"{stem}-full.json", full.report)
                    write_json(folder / f"{stem}-temporal.json", temporal.report)
                    rows.append((tree.scene.name, name, f"{tau:g}", rate, *_row(full, temporal, tree, config, memory)))
    return SuiteTable(
        title=f"lod, {size}×{size}, {frames} frames: RTL equals the model in every visited subtree",
        head=(
            "tree", "path", "tau px", "pauses", "visits full", "temporal", "share", "overlap",
            "cycles full", "temporal", "speed-up", "ratio full",
            "temporal", "KB full", "temporal", "KB scan", "KB float scan", "KB chasing", "split/tau",
        ),
        rows=rows,
    )  # fmt: skip


def _row(
    full: PathRun, temporal: PathRun, tree: Hierarchy, config: Config, memory: MemorySettings
) -> tuple[object, ...]:
    """A line of the table, every figure a view; the first view of a temporal search is a full one and left out."""
    views = len(full.rtl.views)
    visits = [full.per_view("subtrees", skip_first=False), temporal.per_view("subtrees", skip_first=True)]
    cycles = [full.per_view("cycles", skip_first=False), temporal.per_view("cycles", skip_first=True)]
    full_bytes = full.report["bytes"]["total"] / views
    first = temporal.rtl.views[0].summary
    # What the later views moved: all, less what one full search moves.
    later = (temporal.report["bytes"]["total"] - full_bytes) / max(len(temporal.rtl.views) - 1, 1)
    visited = int(full.per_view("nodes", skip_first=False))
    scan = exhaustive(tree, config.spec.node_bits // 8, config.units, config.word_bytes)
    floats = exhaustive(tree, FLOAT_NODE_BYTES, config.units, config.word_bytes)
    chase = pointer_chasing(visited, config.units, memory.latency, config.word_bytes)
    assert first["subtrees"] == full.rtl.views[0].summary["subtrees"]
    return (
        f"{visits[0]:.0f}", f"{visits[1]:.1f}", f"{visits[1] / visits[0]:.2%}", f"{overlap(temporal.model):.3%}",
        f"{cycles[0]:.0f}", f"{cycles[1]:.0f}", f"{cycles[0] / max(cycles[1], 1):.1f}",
        f"{full.roofline.ratio:.3f}", f"{temporal.roofline.ratio:.3f}",
        f"{full_bytes / 1e3:.0f}", f"{later / 1e3:.0f}",
        f"{scan.bytes / 1e3:.0f}", f"{floats.bytes / 1e3:.0f}", f"{chase.bytes / 1e3:.0f}",
        f"{full.report['quality']['smallest_split_of_tau']:.4f}",
    )  # fmt: skip
