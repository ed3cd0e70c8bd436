"""The picture on a processor: the float32 reference on a CPU, gsplat's kernels on CUDA. Needs nothing but torch."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
from torch import Tensor

from golden.scenes.camera import Camera
from golden.scenes.scene import Scene
from golden.splat.reference import render
from sim.kernel.energy import NotMeasuredError
from sim.kernel.problem import Kernel, Problem, Settings, Tensors, WrongAnswerError

NO_GSPLAT = (
    "a GPU is at hand, but gsplat is not installed: `pip install gsplat`, here `.venv/bin/pip install -e '.[gpu]'`"
)
MIN_DB = 40.0  # an answer further from the reference is no baseline; gsplat differs in near plane and radius


def _reference(inputs: Tensors, settings: Settings) -> Callable[[], Tensor]:
    arrays: dict[str, Any] = {
        name: inputs[name].numpy() for name in ("means", "scales", "quaternions", "opacities", "sh")
    }
    scene = Scene(name="packed", mip=settings["mip"], **arrays)
    names = ("width", "height", "fx", "fy", "cx", "cy")
    camera = Camera(world_to_camera=inputs["world_to_camera"].numpy(), **{name: settings[name] for name in names})
    return lambda: render(scene, camera)


def gsplat_arguments(inputs: Tensors, settings: Settings) -> dict[str, object]:
    """The arguments of `gsplat.rasterization` for one view, with the camera as the origin of its float32."""
    turn = inputs["world_to_camera"].clone()
    position = -(turn[:3, :3].T @ turn[:3, 3])
    turn[:3, 3] = 0
    intrinsics = [[settings["fx"], 0, settings["cx"]], [0, settings["fy"], settings["cy"]], [0, 0, 1]]
    return {
        "means": (inputs["means"] - position).float(),
        "quats": inputs["quaternions"],
        "scales": inputs["scales"],
        "opacities": inputs["opacities"],
        "colors": inputs["sh"],
        "viewmats": turn.float()[None],
        "Ks": turn.new_tensor([intrinsics]).float(),
        "width": settings["width"],
        "height": settings["height"],
        "near_plane": 0.2,
        "sh_degree": int(inputs["sh"].shape[1] ** 0.5) - 1,
        "rasterize_mode": "antialiased" if settings["mip"] else "classic",
    }


def _gsplat(inputs: Tensors, settings: Settings) -> Callable[[], Tensor]:
    rasterization = import_module("gsplat").rasterization  # optional: only where CUDA is
    arguments = gsplat_arguments(inputs, settings)
    return lambda: rasterization(**arguments)[0][0]


def _need_gsplat() -> None:
    try:
        import_module("gsplat")
    except ImportError as error:
        raise NotMeasuredError(NO_GSPLAT) from error


def _distance(picture: Tensor, problem: Problem) -> dict[str, float | None]:
    """PSNR to the reference's picture in dB; None where they are equal."""
    difference = (picture.cpu().double() - problem.answer["picture"].double()).square().mean().item()
    quality = -10 * np.log10(difference) if difference else None
    if quality is not None and quality < MIN_DB:
        name = problem.workload["scene"]
        raise WrongAnswerError(f"gsplat draws {name} at {quality:.1f} dB from the reference, below {MIN_DB}")
    return {"psnr_db": None if quality is None else round(float(quality), 2)}


KERNELS = {
    "reference": Kernel(make=_reference, judge=_distance, kinds=("cpu",)),
    "gsplat": Kernel(make=_gsplat, judge=_distance, kinds=("cuda",), needs=_need_gsplat),
}
