"""Where the frames of a sequence are taken from: --path and --frames, as one object."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

from golden.errors import InputError
from golden.scenes import Camera, Scene, load_cameras, orbit_path
from sim.commands.viewpoint import Viewpoint

MAX_FRAMES = 100_000
FORM = "orbit:FRAMES:STEPdeg, as orbit:24:1deg, or a camera file"


@dataclass(frozen=True, kw_only=True)
class CameraPath:
    """A path around the scene, or the cameras of a file in their order, and which frames of it are wanted."""

    text: str
    frames_text: str | None = None
    viewpoint: Viewpoint  #: size, and for an orbit the place where it begins

    def __post_init__(self) -> None:
        if self.viewpoint.camera_file is not None:
            raise InputError("--path brings its own cameras: leave out --camera")

    def cameras(self, scene: Scene) -> dict[int, Camera]:
        """The wanted frames' cameras by their numbers on the path.

        Raises:
            InputError: a path or range that is not one, no frame, or cameras of several sizes.
        """
        whole = self._orbit(scene) if self.text.startswith("orbit:") else self._file()
        chosen = self._chosen(len(whole))
        cameras = {number: whole[number] for number in chosen}
        sizes = sorted({f"{camera.width}x{camera.height}" for camera in cameras.values()})
        if len(sizes) > 1:
            raise InputError(f"--path: all frames must be of one size, {self.text} has {', '.join(sizes)}: say --size")
        return cameras

    def _orbit(self, scene: Scene) -> list[Camera]:
        match = re.fullmatch(r"orbit:(\d{1,6}):(-?\d{1,4}(?:\.\d{1,9})?)deg", self.text)
        if not match:
            raise InputError(f"--path takes {FORM}, got '{self.text}'")
        frames, step = int(match[1]), math.radians(float(match[2]))
        if not 1 <= frames <= MAX_FRAMES:
            raise InputError(f"--path: an orbit has 1..{MAX_FRAMES} frames, '{self.text}' has {frames}")
        first = self.viewpoint.angle
        width, height = self.viewpoint.pixels
        return orbit_path(scene, [first + step * k for k in range(frames)], width=width, height=height)

    def _file(self) -> list[Camera]:
        if self.viewpoint.orbit_text is not None:
            raise InputError("--orbit says where a --path orbit:… begins: leave it out for a file")
        return load_cameras(Path(self.text), None if self.viewpoint.size is None else self.viewpoint.pixels)

    def _chosen(self, length: int) -> range:
        if self.frames_text is None:
            return range(length)
        match = re.fullmatch(r"(\d{0,6}):(\d{0,6})", self.frames_text)
        if not match:
            raise InputError(f"--frames takes FIRST:END, got '{self.frames_text}'")
        first, end = int(match[1] or 0), int(match[2] or length)
        if not 0 <= first < end <= length:
            raise InputError(f"--frames FIRST:END needs 0 <= FIRST < END <= {length}, got '{self.frames_text}'")
        return range(first, end)
