"""Where a picture is taken from: the camera options, as one object."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

from golden.errors import InputError
from golden.scenes import Camera, Scene, load_cameras, orbit, orbit_name

DEFAULT_SIZE = "256x256"


@dataclass(frozen=True, kw_only=True)
class Viewpoint:
    """Where a picture is taken from: a camera file's view, or a place on an orbit."""

    camera_file: Path | None
    view: int
    orbit_text: str | None
    size: str | None

    def camera(self, scene: Scene) -> Camera:
        """The camera that the options ask for.

        Raises:
            InputError: a file and an orbit both, or a view that the file does not have.
        """
        if self.camera_file is not None:
            if self.orbit_text is not None:
                raise InputError("--camera brings its own place: leave out --orbit")
            cameras = load_cameras(self.camera_file, None if self.size is None else self.pixels)
            if not 0 <= self.view < len(cameras):
                raise InputError(
                    f"--view must lie in 0..{len(cameras) - 1} for {self.camera_file.name}, it is {self.view}"
                )
            return cameras[self.view]
        k, n = self._place
        width, height = self.pixels
        return orbit(scene, k, n, width=width, height=height)

    @property
    def pixels(self) -> tuple[int, int]:
        """Width and height that --size asks for.

        Raises:
            InputError: not two whole numbers.
        """
        return parse_pair(self.size or DEFAULT_SIZE, "x", "--size", "WIDTHxHEIGHT")

    @property
    def name(self) -> str | None:
        """Of the place on an orbit, by which baselines know the view."""
        return None if self.camera_file else orbit_name(*self._place)

    @property
    def angle(self) -> float:
        """Of the place on an orbit, in rad.

        Raises:
            InputError: not K/N with 0 <= K < N.
        """
        k, n = self._place
        if not 0 <= k < n:
            raise InputError(f"orbit: view K of N needs 0 <= K < N, got {k}/{n}")
        return 2 * math.pi * k / n

    @property
    def _place(self) -> tuple[int, int]:
        return parse_pair(self.orbit_text or "1/3", "/", "--orbit", "K/N")


def camera_options(command: Callable[..., None]) -> Callable[..., None]:
    """--camera, --view, --orbit and --size, as one argument `viewpoint`."""

    @wraps(command)
    def call(*, camera_file: Path | None, view: int, orbit_text: str | None, size: str | None, **others: Any) -> None:
        command(viewpoint=Viewpoint(camera_file=camera_file, view=view, orbit_text=orbit_text, size=size), **others)

    for option in (
        click.option(
            "--size",
            metavar="WxH",
            help="Size in pixels; a frame from --camera is scaled to it. [default: 256x256, or the camera's]",
        ),
        click.option(
            "--orbit", "orbit_text", metavar="K/N", help="View K of N on a circle around the scene. [default: 1/3]"
        ),
        click.option("--view", default=0, show_default=True, help="Which camera of the file, counted from 0."),
        click.option(
            "--camera",
            "camera_file",
            type=click.Path(path_type=Path),
            help="JSON file with cameras, or COLMAP's cameras.bin or .txt.",
        ),
    ):
        call = option(call)
    return call


def parse_pair(text: str, separator: str, option: str, form: str) -> tuple[int, int]:
    """Two whole numbers around a separator.

    Raises:
        InputError: anything else.
    """
    match = re.fullmatch(rf"(\d{{1,6}}){re.escape(separator)}(\d{{1,6}})", text)
    if not match:
        raise InputError(f"{option} takes {form}, got '{text}'")
    return int(match[1]), int(match[2])
