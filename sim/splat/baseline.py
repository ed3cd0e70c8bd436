"""The same frame on a CPU by the torch reference, and on a CUDA device by gsplat's kernels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch

from golden.scenes import Camera, Scene, load_scene, orbit, orbit_name
from golden.splat.reference import render
from sim.kernel.baseline import Measured
from sim.kernel.problem import Problem
from sim.kernel.processors import solve_everywhere
from sim.splat.suite import VIEWS
from sim.splat.workload import NEAR, frame_info, known_scenes

METHODS = {"reference": "float32 reference in torch", "gsplat": "gsplat.rasterization"}


def problems(inputs: Sequence[str] = (), size: int = 256, views: int = 0) -> Iterator[Problem]:
    """View 1 of 3 of every scene, and as many more around it, for each method."""
    for source in list(inputs) or known_scenes():
        scene = load_scene(source)
        for place, count in ((1, VIEWS), *((k, views) for k in range(views))):
            camera = orbit(scene, place, count, width=size, height=size)
            yield from _frame(scene, camera, orbit_name(place, count))


def _frame(scene: Scene, camera: Camera, view: str) -> Iterator[Problem]:
    arrays = {name: getattr(scene, name) for name in ("means", "scales", "quaternions", "opacities", "sh")}
    given = {name: torch.from_numpy(array) for name, array in arrays.items()}
    given["world_to_camera"] = torch.from_numpy(camera.world_to_camera)
    settings: dict[str, Any] = {name: getattr(camera, name) for name in ("width", "height", "fx", "fy", "cx", "cy")}
    picture = render(scene, camera)
    for kernel, method in METHODS.items():
        yield Problem(
            engine="splat", kernel=kernel, method=method, inputs=given, settings=settings | {"mip": scene.mip},
            workload={**frame_info(scene, camera), "view": view, "near": NEAR}, answer={"picture": picture},
        )  # fmt: skip


def measure(inputs: Sequence[str] = (), size: int = 256, views: int = 0) -> tuple[list[Measured], list[str]]:
    """Every scene on the CPU, and on the GPU where there is one; and remarks."""
    return solve_everywhere(problems(inputs, size, views))
