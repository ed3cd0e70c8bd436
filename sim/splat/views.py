"""Quality of the model on one view of every known scene, for whatever spec."""

from __future__ import annotations

from golden.scenes import load_scene, orbit
from golden.splat.frame import build_frame
from golden.splat.model import render as render_model
from golden.splat.reference import render as render_reference
from golden.splat.scene_image import build_scene_image
from golden.splat.spec import Spec
from sim.kernel.quality import psnr
from sim.splat.workload import known_scenes

VIEWS = 3


class Views:
    """View 1 of 3 of every known scene, with its float reference."""

    def __init__(self, size: int) -> None:
        self.size = size
        scenes = [load_scene(source) for source in known_scenes()]
        cameras = [orbit(scene, 1, VIEWS, width=size, height=size) for scene in scenes]
        references = [render_reference(scene, camera).numpy() for scene, camera in zip(scenes, cameras, strict=True)]
        self._drawn = list(zip(scenes, cameras, references, strict=True))
        self.names = [scene.name for scene in scenes]

    @property
    def measure(self) -> str:
        """For people: what `quality` gives."""
        return f"PSNR in dB of the model against the float reference, {self.size}×{self.size}, view 1/{VIEWS}"

    def quality(self, spec: Spec) -> list[float]:
        """PSNR of every view in dB, two digits behind the point."""
        values: list[float] = []
        for scene, camera, reference in self._drawn:
            image = build_scene_image(scene, spec)
            drawn = render_model(image, build_frame(image, camera, spec), spec)
            values.append(round(psnr(drawn.color.numpy(), reference), 2))
        return values
