"""Real inputs for the stages of the splatting engine, and the model's answers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import torch

from golden.scenes import load_scene, orbit
from golden.splat.coarse_filter import Candidates, coarse_filter, voxel_fetch
from golden.splat.frame import Frame, Group, build_frame
from golden.splat.memory_image import pack
from golden.splat.memory_map import HEADER
from golden.splat.scene_image import SceneImage, build_scene_image
from golden.splat.spec import Spec


@dataclass(frozen=True, kw_only=True)
class Workload:
    """One group of one view."""

    spec: Spec
    image: SceneImage
    frame: Frame
    group: Group
    streamed: Candidates
    visit: torch.Tensor
    kept: torch.Tensor

    @property
    def candidates(self) -> Candidates:
        return self.streamed.select(self.kept)

    def header(self) -> dict[str, int]:
        """The frame's constants, as the RTL's header holds them."""
        frame = self.frame
        values = {
            **{f"rotation_{r}{c}": int(frame.rotation[r, c]) for r in range(3) for c in range(3)},
            **{f"quaternion_{k}": frame.quaternion[k] for k in range(4)},
            **{f"position_{axis}": int(frame.position[k]) for k, axis in enumerate("xyz")},
            "sh_degree": self.image.sh_degree,
        }
        return values | {f.name: getattr(frame, f.name) for f in HEADER if hasattr(frame, f.name)}


@cache
def workload(spec: Spec, *, view: int = 1, size: int = 128, group: int | None = None, source: str = "embedded") -> Workload:
    """The middle group (or number `group`) of a view of the default scene."""
    scene = load_scene(source)
    image = build_scene_image(scene, spec)
    frame = build_frame(image, orbit(scene, view, 3, width=size, height=size), spec)
    chosen = frame.groups[len(frame.groups) // 2 if group is None else group]
    streamed, visit = voxel_fetch(image, frame, chosen, spec)
    kept = coarse_filter(streamed, image, frame, chosen, spec)
    return Workload(spec=spec, image=image, frame=frame, group=chosen, streamed=streamed, visit=visit, kept=kept)


def vectors(values: torch.Tensor) -> list[list[int]]:
    return [[int(x) for x in row] for row in values.tolist()]
