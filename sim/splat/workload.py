"""A frame to draw: scene, camera and config to a memory image; the scenes that are drawn when none is named."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from golden.errors import InputError
from golden.scenes import Camera, Scene
from golden.scenes.embedded import EMBEDDED_NAME
from golden.splat.frame import Frame, build_frame
from golden.splat.memory_image import MemoryImage, build_memory_image
from golden.splat.scene_image import SceneImage, build_scene_image
from golden.splat.seen_scene import SeenScene, see
from golden.splat.vsu import reach
from hw.splat.config import Config
from sim.kernel.data import present

REAL = ("lastchance.ply", "flowers_3_0.ply", "statue_angel.ply", "skull.ply")
NEAR = 0.2  # scene units


@dataclass(frozen=True, kw_only=True)
class SplatWorkload:
    """One view, quantised for `config`."""

    config: Config
    scene: Scene
    seen: SeenScene  #: the scene as the engine holds it for this view
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
    view: str | None = None, listed: bool = True,
) -> SplatWorkload:  # fmt: skip
    """Quantises the scene as the camera sees it, the camera and the lists, and lays them out in memory.

    Without `listed`, the engine makes the lists. A scene without codebooks gets some where the config wants them;
    what it draws then is compared with the scene that was given.

    Raises:
        InputError: it shall, and cannot, see `check_order`; or the view needs other sizes than a codebook's.
    """
    given = scene
    if config.spec.codebooks and scene.books is None:
        from golden.splat.codebooks import with_books  # torch is slow to import

        scene = with_books(scene, config.spec)
    seen = see(scene, camera, config.spec, near=near, edge=edge)
    if config.spec.codebooks and seen.scene.books is None:
        raise InputError(
            f"splat: codebooks hold sizes as they are, and {scene.name} lies so far out that this view needs smaller "
            "ones of some Gaussians: draw it with codebooks=0"
        )
    image = build_scene_image(seen.scene, config.spec, edge=seen.edge, origin=seen.origin)
    begin = time.perf_counter()
    frame = build_frame(image, camera, config.spec, near=near)
    host_seconds = time.perf_counter() - begin
    if not listed:
        check_order(image, frame, config)
    return SplatWorkload(
        config=config, scene=given, seen=seen, camera=camera, near=near, view=view, host_seconds=host_seconds,
        image=image, frame=frame, memory=build_memory_image(image, frame, config.spec, listed=listed),
    )  # fmt: skip


def check_order(image: SceneImage, frame: Frame, config: Config) -> None:
    """Whether the voxel sorting unit can make the frame's lists.

    Raises:
        InputError: a square needs depth slabs, or more voxels or groups are in view than it orders.
    """
    if any(group.continued for group in frame.groups):
        raise InputError(
            "splat: the voxel sorting unit makes no depth slabs, which a square of this view needs: "
            f"more than sort_banks·(2**sort_levels - 1) = {config.spec.sort_capacity} of its Gaussians would wait"
        )
    sides = frame.columns + frame.rows + 1
    if sides > config.order_sides:
        raise InputError(
            f"splat: order_sides must be at least columns + rows of groups + 1 = {sides}, it is {config.order_sides}"
        )
    seen = int(reach(image, frame, config.spec).seen.sum())
    if seen > config.order_voxels:
        raise InputError(f"splat: order_voxels must be at least the {seen} voxels in view, it is {config.order_voxels}")


def known_scenes() -> list[str]:
    """The built-in scene, and the real ones where they are at hand."""
    return [EMBEDDED_NAME, *present(*(f"scenes/{name}" for name in REAL))]
