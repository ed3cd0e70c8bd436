"""Options that several commands share."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from golden.errors import InputError
from golden.scenes import Camera, Scene, load_cameras, orbit
from sim.jobs import MemorySettings

DEFAULT_SIZE = "256x256"

config_option = click.option("--config", "config_name", default="default", show_default=True, help="Named config.")
set_option = click.option("--set", "changes", multiple=True, metavar="FIELD=VALUE", help="Change one field.")
out_dir_option = click.option(
    "-o",
    "--out",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    help="Folder for the files.",
)


def camera_options(command: Any) -> Any:
    """--camera, --view, --orbit and --size: what `choose_camera` takes."""
    for option in (
        click.option("--size", metavar="WxH", help="Pixels. [default: 256x256]"),
        click.option("--orbit", "orbit_text", metavar="K/N", help="View K of N around the scene. [default: 1/3]"),
        click.option("--view", default=0, show_default=True, help="Which camera of the file."),
        click.option("--camera", "camera_file", type=click.Path(path_type=Path), help="JSON file with cameras."),
    ):
        command = option(command)
    return command


def memory_options(command: Any) -> Any:
    """--latency, --bandwidth, --stalls, --seed of the simulated memory."""
    for option in (
        click.option("--seed", default=1, show_default=True, help="Of every random choice."),
        click.option("--stalls", default=0, show_default=True, help="Chance of a memory pause a cycle, in 256."),
        click.option("--bandwidth", default=256, show_default=True, help="Memory words in 256 cycles."),
        click.option("--latency", default=100, show_default=True, help="Memory latency in cycles."),
    ):
        command = option(command)
    return command


def memory_settings(latency: int = 100, bandwidth: int = 256, stalls: int = 0, seed: int = 1) -> MemorySettings:
    """Checked settings.

    Raises:
        InputError: a value out of range.
    """
    for name, value, low, high in (
        ("latency", latency, 1, 900),
        ("bandwidth", bandwidth, 1, 256),
        ("stalls", stalls, 0, 240),
        ("seed", seed, 1, (1 << 31) - 1),
    ):
        if not low <= value <= high:
            raise InputError(f"--{name} must lie in {low}..{high}, it is {value}")
    return MemorySettings(latency=latency, bandwidth=bandwidth, stalls=stalls, seed=seed)


def parse_pair(text: str, separator: str, option: str, form: str) -> tuple[int, int]:
    """Two whole numbers around a separator.

    Raises:
        InputError: anything else.
    """
    match = re.fullmatch(rf"(\d{{1,6}}){re.escape(separator)}(\d{{1,6}})", text)
    if not match:
        raise InputError(f"{option} takes {form}, got '{text}'")
    return int(match[1]), int(match[2])


def choose_camera(
    scene: Scene, camera_file: Path | None, view: int, orbit_text: str | None, size: str | None
) -> Camera:
    """The camera that the options ask for: a file's, or one on an orbit.

    Raises:
        InputError: both, or a view that the file does not have.
    """
    if camera_file is not None:
        if orbit_text is not None or size is not None:
            raise InputError("--camera brings its own place and size: leave out --orbit and --size")
        cameras = load_cameras(camera_file)
        if not 0 <= view < len(cameras):
            raise InputError(f"--view must lie in 0..{len(cameras) - 1} for {camera_file.name}, it is {view}")
        return cameras[view]
    k, n = parse_pair(orbit_text or "1/3", "/", "--orbit", "K/N")
    width, height = parse_pair(size or DEFAULT_SIZE, "x", "--size", "WIDTHxHEIGHT")
    return orbit(scene, k, n, width=width, height=height)
