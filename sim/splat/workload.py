"""A frame to draw: scene, camera and config to a memory image; the scenes that are drawn when none is named."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from golden.scenes import Camera, Scene
from golden.scenes.embedded import EMBEDDED_NAME
from golden.splat.frame import Frame, build_frame
from golden.splat.memory_image import MemoryImage, build_memory_image
from golden.splat.scene_image import SceneImage, build_scene_image
from hw.splat.config import Config
from sim.kernel.data import present

REAL = ("lastchance.ply", "flowers_3_0.ply", "statue_angel.ply", "skull.ply")
NEAR = 0.2  # scene units


@dataclass(frozen=True, kw_only=True)
class SplatWorkload:
    """One view, quantised for `config`."""

    config: Config
    scene: Scene
    camera: Camera
    near: float
    image: SceneImage
    frame: Frame
    memory: MemoryImage
    view: str | None = None  #: its place on an orbit, by which baselines know it
    host_seconds: float = 0.0  #: that ordering the voxels for the view took

    def info(self) -> dict[str, Any]:
        """What identifies it in baselines and reports."""
        place = {"view": self.view} if self.view else {}
        return {
            **frame_info(self.scene, self.camera), **place,
            "dropped": self.scene.dropped, "sh_degree": self.scene.sh_degree, "camera": self.camera.to_json(),
            "near": self.near, "host_ms": round(1e3 * self.host_seconds, 3),
        }  # fmt: skip


def frame_info(scene: Scene, camera: Camera) -> dict[str, Any]:
    """What names a frame in a table."""
    return {"scene": scene.name, "gaussians": len(scene), "size": f"{camera.width}x{camera.height}"}


def prepare(
    scene: Scene, camera: Camera, config: Config, *, near: float = NEAR, edge: float | None = None,
    view: str | None = None,
) -> SplatWorkload:  # fmt: skip
    """Quantises the scene, the camera and the lists, and lays them out in memory."""
    image = build_scene_image(scene, config.spec, edge=edge)
    begin = time.perf_counter()
    frame = build_frame(image, camera, config.spec, near=near)
    host_seconds = time.perf_counter() - begin
    return SplatWorkload(
        config=config, scene=scene, camera=camera, near=near, view=view, host_seconds=host_seconds,
        image=image, frame=frame, memory=build_memory_image(image, frame, config.spec),
    )  # fmt: skip


def known_scenes() -> list[str]:
    """The built-in scene, and the real ones where they are at hand."""
    return [EMBEDDED_NAME, *present(*(f"scenes/{name}" for name in REAL))]
