"""The same frame on a CPU by the torch reference, and on a CUDA device by gsplat's kernels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from golden.scenes import Camera, Scene, load_scene, orbit, orbit_name
from golden.splat.reference import render
from sim.kernel.baseline import Measured, WrongAnswerError, entry
from sim.kernel.energy import NotMeasuredError
from sim.kernel.processors import Processor, measure_everywhere
from sim.kernel.quality import psnr
from sim.splat.suite import VIEWS
from sim.splat.workload import NEAR, frame_info, known_scenes

NO_GSPLAT = "a GPU is at hand, but gsplat is not installed: `.venv/bin/pip install -e '.[gpu]'`"
MIN_DB = 40.0  # an answer further from the reference is no baseline; gsplat differs in near plane and radius


def _names(scene: Scene, camera: Camera, view: int) -> dict[str, Any]:
    return {**frame_info(scene, camera), "view": orbit_name(view, VIEWS), "near": NEAR}


def measure_cpu(scenes: list[str], cpu: Processor, *, view: int = 1, size: int = 256) -> list[dict[str, Any]]:
    """Measures `golden.splat.reference.render` with torch's own threads."""
    entries: list[dict[str, Any]] = []
    for source in scenes:
        scene = load_scene(source)
        camera = orbit(scene, view, VIEWS, width=size, height=size)
        timed = cpu.measure(lambda scene=scene, camera=camera: render(scene, camera))
        entries.append(entry(_names(scene, camera, view), "float32 reference in torch", timed, psnr_db=None))
    return entries


def gsplat_arguments(scene: Scene, camera: Camera, device: str) -> dict[str, Any]:
    """The arguments of `gsplat.rasterization` for one view, with the camera as the origin of its float32."""
    turn = np.eye(4, dtype=np.float32)
    turn[:3, :3] = camera.world_to_camera[:3, :3]
    intrinsics = [[camera.fx, 0, camera.cx], [0, camera.fy, camera.cy], [0, 0, 1]]
    return {
        "means": torch.from_numpy(scene.means - camera.position).float().to(device),
        "quats": torch.from_numpy(scene.quaternions).to(device),
        "scales": torch.from_numpy(scene.scales).to(device),
        "opacities": torch.from_numpy(scene.opacities).to(device),
        "colors": torch.from_numpy(scene.sh).to(device),
        "viewmats": torch.from_numpy(turn)[None].to(device),
        "Ks": torch.tensor([intrinsics], dtype=torch.float32, device=device),
        "width": camera.width,
        "height": camera.height,
        "near_plane": 0.2,
        "sh_degree": scene.sh_degree,
        "rasterize_mode": "antialiased" if scene.mip else "classic",
    }


def measure_cuda(scenes: list[str], gpu: Processor, *, view: int = 1, size: int = 256) -> list[dict[str, Any]]:
    """Measures `gsplat.rasterization` (Apache-2.0) after comparing its picture with the reference.

    Raises:
        NotMeasuredError: gsplat is not installed. WrongAnswerError: its picture is not the reference's.
    """
    try:
        from gsplat import rasterization  # type: ignore[import-not-found]  # optional: only where CUDA is
    except ImportError as error:
        raise NotMeasuredError(NO_GSPLAT) from error

    entries: list[dict[str, Any]] = []
    for source in scenes:
        scene = load_scene(source)
        camera = orbit(scene, view, VIEWS, width=size, height=size)
        arguments = gsplat_arguments(scene, camera, gpu.place)
        picture = rasterization(**arguments)[0][0].cpu().numpy()
        quality = psnr(picture, render(scene, camera).numpy())
        if quality < MIN_DB:
            raise WrongAnswerError(f"gsplat draws {scene.name} at {quality:.1f} dB from the reference, below {MIN_DB}")
        timed = gpu.measure(lambda arguments=arguments: rasterization(**arguments))
        names = _names(scene, camera, view)
        entries.append(entry(names, "gsplat.rasterization", timed, psnr_db=round(quality, 2)))
    return entries


def measure(inputs: Sequence[str] = (), size: int = 256) -> tuple[list[Measured], list[str]]:
    """Every scene on the CPU, and on the GPU where there is one; and remarks."""
    sources = list(inputs) or known_scenes()

    def entries(processor: Processor) -> list[dict[str, Any]]:
        return (measure_cpu if processor.about["kind"] == "cpu" else measure_cuda)(sources, processor, size=size)

    return measure_everywhere(entries)
