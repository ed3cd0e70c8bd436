"""`tessera lod`: the cut of a hierarchy for one view or a path of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np

from golden.errors import InputError
from golden.lod.frustum import in_sight
from golden.lod.load import leaves, load_hierarchy
from golden.lod.paths import camera_path
from golden.lod.sltree import build_sltree
from golden.lod.tree_image import build_tree_image, cut_nodes
from golden.lod.view import make_path
from hw.lod.config import CONFIGS
from sim.commands.options import (
    DEFAULT_SIZE,
    camera_options,
    choose_camera,
    config_option,
    memory_options,
    memory_settings,
    parse_pair,
    set_option,
)
from sim.kernel.console import out, step
from sim.kernel.files import whole_file, write_json
from sim.kernel.report import make_report
from sim.kernel.roofline import dram_bytes
from sim.kernel.settings import choose_config
from sim.lod.workload import lod_roofline, prepare, run_rtl


@click.command()
@click.argument("tree")
@click.option("--tau", type=float, required=True, help="Threshold: nodes of so many pixels are split.")
@camera_options
@click.option("--path", "path_name", metavar="NAME", help="Instead of one view: orbit, walk, jump or still.")
@click.option("--frames", default=64, show_default=True, help="Views of the path.")
@click.option("--full", is_flag=True, help="Search every view of the path from the root.")
@click.option("--frustum", is_flag=True, help="Leave out what lies outside the picture; for full searches.")
@click.option("--backend", default="rtl", show_default=True, help="rtl, model or reference.")
@config_option
@set_option
@memory_options
@click.option("--check", is_flag=True, help="Compare every result of the RTL with the model.")
@click.option("--cut", "cut_file", type=click.Path(path_type=Path), help="NumPy file: nodes on the last view's cut.")
@click.option("--report", "report_file", type=click.Path(path_type=Path), help="JSON file.")
def lod(
    tree: str, tau: float, camera_file: Path | None, view: int, orbit_text: str | None, size: str | None,
    path_name: str | None, frames: int, full: bool, frustum: bool, backend: str, config_name: str,
    changes: tuple[str, ...], latency: int, bandwidth: int, stalls: int, seed: int, check: bool,
    cut_file: Path | None, report_file: Path | None,
) -> None:  # fmt: skip
    """Find the level-of-detail cut of TREE (.hier, or any scene, over which a hierarchy is built)."""
    if backend not in ("rtl", "model", "reference"):
        raise InputError(f"--backend must be rtl, model or reference, it is '{backend}'")
    if check and backend != "rtl":
        raise InputError(f"--check needs --backend rtl, it is '{backend}'")
    config = choose_config(CONFIGS, config_name, changes)
    if frustum:
        config = replace(config, frustum=1)
    memory = memory_settings(latency=latency, bandwidth=bandwidth, stalls=stalls, seed=seed)
    with step("loading the hierarchy"):
        loaded = load_hierarchy(tree)
        scene = leaves(loaded)
        if path_name is None:
            cameras = [choose_camera(scene, camera_file, view, orbit_text, size)]
        else:
            if camera_file is not None or orbit_text is not None:
                raise InputError("--path brings its own cameras: leave out --camera and --orbit")
            width, height = parse_pair(size or DEFAULT_SIZE, "x", "--size", "WIDTHxHEIGHT")
            cameras = camera_path(scene, path_name, frames, width=width, height=height)
        image = build_tree_image(build_sltree(loaded, config.spec))
    path = make_path(image, cameras, tau, frustum=frustum)
    temporal = len(path) > 1 and not full and bool(config.temporal)
    if temporal and frustum:
        raise InputError("--frustum needs a full search: add --full")
    workload = prepare(image, path, config, temporal=temporal)

    report: dict[str, Any] = {}
    if backend == "reference":
        import torch

        from golden.lod.reference import find_cut

        camera = cameras[-1]
        seen = torch.from_numpy(in_sight(camera, loaded.low, loaded.high)) if frustum else None
        found = find_cut(loaded, torch.from_numpy(camera.position), max(camera.fx, camera.fy), tau, seen)
        cut = np.flatnonzero(found.cut.numpy())
    elif backend == "model":
        from sim.lod.check import search_model

        cut = cut_nodes(image.sltree, search_model(workload)[-1].state.cut.numpy())
    else:
        with step("building and running the RTL"):
            rtl = run_rtl(workload, memory=memory)
        cut = cut_nodes(image.sltree, rtl.last_cut(len(image.sltree)))
        roofline = lod_roofline(rtl, config, memory)
        report = {
            "roofline": roofline,
            "counters": rtl.job.counters,
            "dram_bytes": dram_bytes(rtl.job.counters, config.word_bytes),
            "memory": vars(memory),
        }
        out.print(
            f"{roofline.cycles} cycles, bound {roofline.bound:.0f} ({roofline.limit}), ratio {roofline.ratio:.3f}; "
            f"{rtl.job.counters['subtrees']} of {len(image.sltree) * len(path)} subtrees visited"
        )
        if check:
            from sim.lod.check import check_search, search_model

            check_search(workload, rtl, search_model(workload))
            report["quality"] = {"rtl_equals_model": True}
            out.print("RTL equals the model in every visited subtree")
    if cut_file:
        with whole_file(cut_file) as temporary, temporary.open("wb") as stream:
            np.save(stream, cut)
    if report_file:
        info = {
            "tree": loaded.scene.name, "nodes": len(loaded), "subtrees": len(image.sltree), "tau_px": tau,
            "path": path_name, "frames": len(path), "search": "temporal" if temporal else "full",
            "frustum": frustum, "camera": cameras[-1].to_json(), "backend": backend, "cut_nodes": len(cut),
        }  # fmt: skip
        write_json(report_file, make_report(engine="lod", config=config, seed=seed, workload=info, **report))
    out.print(f"{len(cut)} of {len(loaded)} nodes are on the cut, {int(loaded.leaf[cut].sum())} of them leaves")
