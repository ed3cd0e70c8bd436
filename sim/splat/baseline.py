"""The same frame on a CPU by the torch reference, and on a CUDA device by gsplat's kernels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from golden.scenes import Camera, Scene, load_scene, orbit, orbit_name
from golden.splat.reference import render
from sim.kernel.baseline import Measured, WrongAnswerError, cpu_device, cuda_device, entry, gpu_remark, time_runs
from sim.kernel.console import step
from sim.kernel.quality import psnr
from sim.splat.suite import VIEWS
from sim.splat.workload import NEAR, frame_info, known_scenes

MIN_DB = 40.0  # an answer further from the reference is no baseline; gsplat differs in near plane and radius


def _names(scene: Scene, camera: Camera, view: int) -> dict[str, Any]:
    return {**frame_info(scene, camera), "view": orbit_name(view, VIEWS), "near": NEAR}


def measure_cpu(scenes: list[str], *, view: int = 1, size: int = 256) -> Measured:
    """Times `golden.splat.reference.render` with torch's own threads."""
    entries: list[dict[str, Any]] = []
    for source in scenes:
        scene = load_scene(source)
        camera = orbit(scene, view, VIEWS, width=size, height=size)
        timed = time_runs(lambda scene=scene, camera=camera: render(scene, camera))
        entries.append(entry(_names(scene, camera, view), "float32 reference in torch", timed, psnr_db=None))
    return cpu_device(torch.get_num_threads()), entries


def gsplat_arguments(scene: Scene, camera: Camera, device: str) -> dict[str, Any]:
    """The arguments of `gsplat.rasterization` for one view."""
    intrinsics = [[camera.fx, 0, camera.cx], [0, camera.fy, camera.cy], [0, 0, 1]]
    return {
        "means": torch.from_numpy(scene.means).to(device),
        "quats": torch.from_numpy(scene.quaternions).to(device),
        "scales": torch.from_numpy(scene.scales).to(device),
        "opacities": torch.from_numpy(scene.opacities).to(device),
        "colors": torch.from_numpy(scene.sh).to(device),
        "viewmats": torch.from_numpy(camera.world_to_camera.astype(np.float32))[None].to(device),
        "Ks": torch.tensor([intrinsics], dtype=torch.float32, device=device),
        "width": camera.width,
        "height": camera.height,
        "near_plane": 0.2,
        "sh_degree": scene.sh_degree,
    }


def measure_cuda(scenes: list[str], *, view: int = 1, size: int = 256) -> Measured:
    """Times `gsplat.rasterization` (Apache-2.0) after comparing its picture with the reference.

    Raises:
        ImportError: gsplat is not installed. WrongAnswerError: its picture is not the reference's.
    """
    from gsplat import rasterization  # type: ignore[import-not-found]  # optional: only where CUDA is

    entries: list[dict[str, Any]] = []
    for source in scenes:
        scene = load_scene(source)
        camera = orbit(scene, view, VIEWS, width=size, height=size)
        arguments = gsplat_arguments(scene, camera, "cuda")
        picture = rasterization(**arguments)[0][0].cpu().numpy()
        quality = psnr(picture, render(scene, camera).numpy())
        if quality < MIN_DB:
            raise WrongAnswerError(f"gsplat draws {scene.name} at {quality:.1f} dB from the reference, below {MIN_DB}")
        timed = time_runs(lambda arguments=arguments: rasterization(**arguments), wait=torch.cuda.synchronize)
        names = _names(scene, camera, view)
        entries.append(entry(names, "gsplat.rasterization", timed, psnr_db=round(quality, 2)))
    return cuda_device(), entries


def measure(inputs: Sequence[str] = (), size: int = 256) -> tuple[list[Measured], list[str]]:
    """Every scene on the CPU, and on the GPU where there is one; and remarks."""
    sources = list(inputs) or known_scenes()
    with step("timing on the CPU"):
        measured = [measure_cpu(sources, size=size)]
    if not torch.cuda.is_available():
        return measured, [gpu_remark()]
    try:
        with step("timing on the GPU"):
            return [*measured, measure_cuda(sources, size=size)], []
    except ImportError:
        return measured, ["a GPU is at hand, but gsplat is not installed: `.venv/bin/pip install -e '.[gpu]'`"]
