"""A path to draw as one job: several views of one stored scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from golden.errors import InputError
from golden.scenes import Camera, Scene
from golden.splat.frame import Frame
from golden.splat.memory_image import MemoryImage
from golden.splat.path_image import build_path_image
from golden.splat.scene_image import SceneImage, build_scene_image
from golden.splat.seen_scene import SeenScene, see
from hw.splat.config import Config
from sim.splat.workload import NEAR, Lists, check_books, coded_scene, listed_frame


@dataclass(frozen=True, kw_only=True)
class PathWorkload:
    """Views one after another, quantised for `config`."""

    config: Config
    scene: Scene
    cameras: tuple[Camera, ...]
    near: float
    image: SceneImage
    frames: tuple[Frame, ...]
    listed: tuple[bool, ...]  #: by the host
    memory: MemoryImage

    def info(self) -> dict[str, Any]:
        """What identifies it in reports."""
        return {
            "scene": self.scene.name, "gaussians": len(self.scene), "frames": len(self.frames),
            "listed_by_host": sum(self.listed), "dropped": self.scene.dropped, "sh_degree": self.scene.sh_degree,
            "cameras": [camera.to_json() for camera in self.cameras], "near": self.near,
        }  # fmt: skip


def prepare_path(
    scene: Scene, cameras: Sequence[Camera], config: Config, *, near: float = NEAR, lists: Lists = Lists.ENGINE
) -> PathWorkload:
    """Quantises the scene once and every camera, and lays all out in memory.

    Raises:
        InputError: no camera, or one that needs the scene to be stored in another way than the first does.
    """
    if not cameras:
        raise InputError("splat: a path must have at least one camera, it has 0")
    coded = coded_scene(scene, config.spec)
    seen = [see(coded, camera, config.spec, near=near) for camera in cameras]
    check_books(seen[0], config)
    for k, other in enumerate(seen):
        if not _alike(seen[0], other):
            raise InputError(
                f"splat: all views of a path must see the scene stored in one way, view {k} needs voxels of "
                f"{other.edge:g} around another place or other opacities than view 0 with voxels of {seen[0].edge:g}"
            )
    image = build_scene_image(seen[0].scene, config.spec, edge=seen[0].edge, origin=seen[0].origin)
    listed = [listed_frame(image, camera, config, near=near, lists=lists) for camera in cameras]
    frames = tuple(frame for frame, _ in listed)
    by_host = tuple(lists == Lists.HOST or reason is not None for _, reason in listed)
    return PathWorkload(
        config=config, scene=scene, cameras=tuple(cameras), near=near, image=image, frames=frames, listed=by_host,
        memory=build_path_image(image, frames, config.spec, listed=by_host),
    )  # fmt: skip


def _alike(one: SeenScene, other: SeenScene) -> bool:
    """Both store the same Gaussians in the same grid."""
    here, there = one.origin, other.origin
    same_origin = (here is None and there is None) or (
        here is not None and there is not None and np.array_equal(here, there)
    )
    same_scene = one.scene is other.scene or all(
        np.array_equal(getattr(one.scene, name), getattr(other.scene, name)) for name in ("means", "opacities")
    )
    return one.edge == other.edge and same_origin and same_scene
