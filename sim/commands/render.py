"""`tessera render`: one frame by RTL, model or reference."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import click
import numpy as np

from golden.errors import InputError
from hw.lod.config import CONFIGS as LOD_CONFIGS
from hw.splat.config import CONFIGS
from sim.commands.options import (
    camera_options,
    choose_camera,
    config_option,
    memory_options,
    memory_settings,
    set_option,
)
from sim.console import out, step
from sim.files import require_writable, to_bytes, whole_file, write_array, write_json, write_png
from sim.report.schema import make_report
from sim.roofline import dram_bytes
from sim.settings import choose_config
from sim.workloads.level import cut_scene, load_detailed
from sim.workloads.splat import prepare, run_rtl, splat_roofline


@click.command()
@click.argument("scene")
@camera_options
@click.option("--near", default=0.2, show_default=True, help="Near plane, in scene units.")
@click.option("--tau", type=float, help="Draw the cut of a hierarchy (.hier, or built over SCENE) at so many pixels.")
@click.option("--backend", default="rtl", show_default=True, help="rtl, model or reference.")
@config_option
@set_option
@memory_options
@click.option("--check", is_flag=True, help="Compare every word of the RTL's frame with the model.")
@click.option("--out", "picture", type=click.Path(path_type=Path), required=True, help="PNG file.")
@click.option("--array", "array_file", type=click.Path(path_type=Path), help="NumPy file, float32 [H, W, 3].")
@click.option("--report", "report_file", type=click.Path(path_type=Path), help="JSON file.")
@click.option("--waves", "waves_file", type=click.Path(path_type=Path), help="VCD file of the RTL's run.")
def render(
    scene: str, camera_file: Path | None, view: int, orbit_text: str | None, size: str | None, near: float,
    tau: float | None, backend: str, config_name: str, changes: tuple[str, ...], latency: int, bandwidth: int,
    stalls: int, seed: int, check: bool, picture: Path, array_file: Path | None, report_file: Path | None,
    waves_file: Path | None,
) -> None:  # fmt: skip
    """Draw SCENE (.ply, .splat, .spz, the word `embedded`, or with --tau a .hier)."""
    if backend not in ("rtl", "model", "reference"):
        raise InputError(f"--backend must be rtl, model or reference, it is '{backend}'")
    if (check or waves_file) and backend != "rtl":
        raise InputError(f"--check and --waves need --backend rtl, it is '{backend}'")
    if not 0 < near < math.inf:
        raise InputError(f"--near must be a positive number, it is {near:g}")
    for path in (picture, array_file, report_file, waves_file):
        if path is not None:
            require_writable(path)
    config = choose_config(CONFIGS, config_name, changes)
    memory = memory_settings(latency, bandwidth, stalls, seed)
    with step("loading the scene"):
        loaded, tree = load_detailed(scene, tau)
        camera = choose_camera(loaded, camera_file, view, orbit_text, size)
    if loaded.dropped:
        out.print(f"{loaded.name}: {loaded.dropped} Gaussians are not finite and were left out")

    begin = time.perf_counter()
    if tree is not None and tau is not None:
        search = choose_config(LOD_CONFIGS, config_name, ())
        with step("searching the hierarchy"):
            loaded = cut_scene(tree, camera, tau, search, backend=backend, check=check, memory=memory)
        out.print(f"{len(loaded)} of {len(tree)} Gaussians are on the cut at {tau:g} px")
    report: dict[str, Any] = {}
    if backend == "reference":
        from golden.splat.reference import Rules
        from golden.splat.reference import render as render_reference

        with step("drawing by the float reference"):
            values = render_reference(loaded, camera, rules=Rules(near=near)).numpy()
        pixels = to_bytes(values)
    else:
        with step("quantising and ordering the scene"):
            workload = prepare(loaded, camera, config, near=near)
        model = None
        if backend == "model" or check:
            from golden.splat.model import render as render_model

            with step("drawing by the bit-true model"):
                model = render_model(workload.image, workload.frame, config.spec)
        if backend == "model":
            assert model is not None
            pixels = model.image.numpy()
        else:
            with step("building and running the RTL"):
                frame = run_rtl(workload, memory=memory, waves=waves_file is not None)
            pixels = frame.pixels
            roofline = splat_roofline(frame.job.counters, config, memory)
            report = {
                "roofline": roofline,
                "counters": frame.job.counters,
                "dram_bytes": dram_bytes(frame.job.counters, config.word_bytes),
                "memory": vars(memory),
            }
            out.print(
                f"{roofline.cycles} cycles, bound {roofline.bound:.0f} ({roofline.limit}), ratio {roofline.ratio:.3f}"
            )
            if waves_file is not None and frame.job.waves is not None:
                with whole_file(waves_file) as temporary:
                    temporary.write_bytes(frame.job.waves.read_bytes())
            if model is not None:
                from sim.check import check_frame

                check_frame(workload, frame, model)
                report["quality"] = {"rtl_equals_model": True, "pixels_compared": pixels.shape[0] * pixels.shape[1]}
                out.print(f"RTL equals the model in all {pixels.shape[0] * pixels.shape[1]} pixels")
        values = pixels[..., :3].astype(np.float32) / 255
    seconds = time.perf_counter() - begin

    write_png(picture, pixels[..., :3])
    if array_file:
        write_array(array_file, values)
    if report_file:
        workload_info = {
            "scene": loaded.name, "gaussians": len(loaded), "dropped": loaded.dropped, "sh_degree": loaded.sh_degree,
            "camera": camera.to_json(), "near": near, "backend": backend, "seconds": round(seconds, 3),
        }  # fmt: skip
        write_json(report_file, make_report(engine="splat", config=config, seed=seed, workload=workload_info, **report))
    out.print(f"{picture}: {camera.width}×{camera.height} by {backend} in {seconds:.1f} s")
