"""A frame to draw: scene, camera and config to a memory image; the scenes that are drawn when none is named."""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from golden.errors import InputError
from golden.rows import Bytes
from golden.scenes import Camera, Scene
from golden.scenes.embedded import EMBEDDED_NAME
from golden.splat.far_off import count_far_off
from golden.splat.frame import Frame, build_frame
from golden.splat.memory_image import MemoryImage, build_memory_image, pack_scene
from golden.splat.scene_image import SceneImage, build_scene_image, count_clipped
from golden.splat.seen_scene import SeenScene, see
from golden.splat.slabs import in_slabs
from golden.splat.spec import Spec
from golden.splat.vsu import reach
from hw.splat.config import Config
from sim.kernel.data import present

REAL = ("lastchance.ply", "flowers_3_0.ply", "statue_angel.ply", "skull.ply")
NEAR = 0.2  # scene units


class Lists(StrEnum):
    """Who makes a view's group table and visiting lists."""

    ENGINE = "engine"  #: its voxel sorting unit, from the camera's words; the host where that has too little memory
    HOST = "host"  #: in any case


@dataclass(frozen=True, kw_only=True)
class SplatWorkload:
    """One view, quantised for `config`."""

    config: Config
    scene: Scene
    coded: Scene  #: the same, with codebooks if the config wants them
    seen: SeenScene  #: the scene as the engine holds it for this view
    camera: Camera
    near: float
    image: SceneImage
    frame: Frame
    packed: tuple[Bytes, Bytes]  #: the scene's bytes, which other views of the same image share
    memory: MemoryImage
    view: str | None = None  #: its place on an orbit, by which baselines know it
    host_seconds: float = 0.0  #: that ordering the voxels for the view took the host; 0 if the engine does it
    why_host: str | None = None  #: why the host makes the lists though the engine was asked to

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
    view: str | None = None, lists: Lists = Lists.ENGINE, before: SplatWorkload | None = None,
) -> SplatWorkload:  # fmt: skip
    """Quantises the scene as the camera sees it and the camera, and lays them out in memory, the lists if need be.

    The scene is taken as it was quantised for the view `before`, of the same scene and config, wherever this view
    stores it in the same way. A scene without codebooks gets some where the config wants them; what it draws is
    compared with the scene that was given.

    Raises:
        InputError: the view needs other sizes than a codebook's.
    """
    coded = before.coded if before is not None and before.scene is scene else coded_scene(scene, config.spec)
    seen = see(coded, camera, config.spec, near=near, edge=edge)
    check_books(seen, config)
    if before is not None and _stored_alike(seen, before.seen):
        image, packed = before.image, before.packed
    else:
        image = build_scene_image(seen.scene, config.spec, edge=seen.edge, origin=seen.origin)
        packed = pack_scene(image, config.spec)
    begin = time.perf_counter()
    frame, reason = listed_frame(image, camera, config, near=near, lists=lists)
    listed = lists == Lists.HOST or reason is not None
    host_seconds = time.perf_counter() - begin
    return SplatWorkload(
        config=config, scene=scene, coded=coded, seen=seen, camera=camera, near=near, view=view,
        host_seconds=host_seconds * listed, why_host=reason, image=image, frame=frame, packed=packed,
        memory=build_memory_image(image, frame, config.spec, listed=listed, packed=packed),
    )  # fmt: skip


def coded_scene(scene: Scene, spec: Spec) -> Scene:
    """The scene, with codebooks if there shall be some."""
    if not spec.codebooks or scene.books is not None:
        return scene
    from golden.splat.codebooks import with_books  # torch is slow to import

    return with_books(scene, spec)


def check_books(seen: SeenScene, config: Config) -> None:
    """Raises: InputError: the view needs other sizes than a codebook's."""
    if config.spec.codebooks and seen.scene.books is None:
        raise InputError(
            f"splat: codebooks hold sizes as they are, and {seen.scene.name} lies so far out that this view needs "
            "smaller ones of some Gaussians: draw it with codebooks=0"
        )


def _stored_alike(seen: SeenScene, other: SeenScene) -> bool:
    """Whether both are the scene itself, in voxels of one size around its middle: one image for both."""
    return seen.scene is other.scene and seen.edge == other.edge and seen.origin is None and other.origin is None


def listed_frame(
    image: SceneImage, camera: Camera, config: Config, *, near: float, lists: Lists
) -> tuple[Frame, str | None]:
    """The frame, and why the voxel sorting unit cannot make its lists, if it should and cannot.

    Squares that crowd the depth sort are in slabs where the host makes the lists; else the engine cuts them.
    """
    frame = build_frame(image, camera, config.spec, near=near)
    reason = _why_host(image, frame, config) if lists == Lists.ENGINE else None
    by_host = lists == Lists.HOST or reason is not None
    return in_slabs(image, frame, config.spec) if by_host else frame, reason


def _why_host(image: SceneImage, frame: Frame, config: Config) -> str | None:
    """Why the voxel sorting unit cannot make the frame's lists, so that the host has to; None if it can."""
    sides = max(frame.columns, frame.rows) + 1
    if sides > config.order_sides:
        return f"order_sides must be at least columns of groups + 1, and rows + 1: {sides}, it is {config.order_sides}"
    seen = int(reach(image, frame, config.spec).seen.sum())
    if seen > config.order_voxels:
        return f"order_voxels must be at least the {seen} voxels in view, it is {config.order_voxels}"
    return None


def notices(workload: SplatWorkload) -> list[str]:
    """What the model's picture, and the RTL's, lacks of the view, a line each."""
    spec = workload.config.spec
    lines = workload.seen.notices()
    if workload.why_host:
        lines.append(f"the host orders the voxels: {workload.why_host}")
    clipped = count_clipped(workload.scene, spec)
    if clipped:
        lines.append(f"{clipped} Gaussians have colours beyond the formats and are drawn clipped")
    far_off = count_far_off(workload.image, workload.frame, spec)
    if far_off:
        lines.append(f"{far_off} Gaussians may reach the image from too far off and are drawn wrongly")
    return lines


def known_scenes() -> list[str]:
    """The built-in scene, and the real ones where they are at hand."""
    return [EMBEDDED_NAME, *present(*(f"scenes/{name}" for name in REAL))]
