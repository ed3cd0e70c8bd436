"""Views that several tests look at, quantised once a process."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from golden.scenes import Camera, Scene, load_scene, orbit
from golden.splat.coarse_filter import Candidates, coarse_filter, voxel_fetch
from golden.splat.fine_filter import Splats, fine_filter
from golden.splat.frame import Frame, Group, build_frame
from golden.splat.scene_image import SceneImage, build_scene_image
from golden.splat.spec import Spec

VIEWS = 3  # of an orbit


@dataclass(frozen=True, kw_only=True)
class View:
    """A scene from one side."""

    spec: Spec
    scene: Scene
    camera: Camera
    image: SceneImage
    frame: Frame

    @property
    def middle(self) -> Group:
        """A group in the middle of the image."""
        return self.frame.groups[len(self.frame.groups) // 2]

    def streamed(self, group: Group) -> Candidates:
        return voxel_fetch(self.image, self.frame, group, self.spec)[0]

    def everything(self, group: Group) -> Candidates:
        """Every Gaussian of the scene in front of the near plane, whether the group visits its voxel or not."""
        streamed = self.streamed(replace(group, voxels=np.arange(len(self.image.grid))))
        return streamed.select(streamed.point[:, 2] > self.frame.near)

    def candidates(self, group: Group) -> Candidates:
        streamed = self.streamed(group)
        return streamed.select(coarse_filter(streamed, self.image, self.frame, group, self.spec))

    def records(self, candidates: Candidates, name: str) -> Tensor:
        """A field of the candidates' records."""
        return torch.from_numpy(getattr(self.image, name))[candidates.place]

    def splats(self, group: Group) -> Splats:
        return fine_filter(self.candidates(group), self.image, self.frame, group, self.spec)


@cache
def known_scene(source: str | Path) -> Scene:
    return load_scene(source)


@cache
def known_image(source: str | Path, spec: Spec) -> SceneImage:
    return build_scene_image(known_scene(source), spec)


@cache
def view(spec: Spec, *, source: str | Path = "embedded", number: int = 1, size: int = 128) -> View:
    """View `number` of an orbit, `size` pixels a side."""
    scene, image = known_scene(source), known_image(source, spec)
    camera = orbit(scene, number, VIEWS, width=size, height=size)
    return View(spec=spec, scene=scene, camera=camera, image=image, frame=build_frame(image, camera, spec))


def made(scene: Scene, camera: Camera, spec: Spec) -> View:
    image = build_scene_image(scene, spec)
    return View(spec=spec, scene=scene, camera=camera, image=image, frame=build_frame(image, camera, spec))


def pick(candidates: Candidates, count: int, seed: int) -> Candidates:
    """At most `count` of them, drawn at random, in their order."""
    chosen = torch.randperm(len(candidates), generator=torch.Generator().manual_seed(seed))[:count]
    return candidates.select(chosen.sort().values)
