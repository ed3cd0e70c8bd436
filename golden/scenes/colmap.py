"""COLMAP's sparse models: `cameras` and `images`, in binary or in text."""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from golden.errors import InputError

NAMES, SUFFIXES = ("cameras", "images"), (".bin", ".txt")
MODELS = {0: "SIMPLE_PINHOLE", 1: "PINHOLE"}
PARAMETERS = {"SIMPLE_PINHOLE": 3, "PINHOLE": 4}  # focal lengths, then the principal point

Lens = dict[str, Any]
Image = tuple[str, int, list[float]]  # name, camera, quaternion and translation


def is_colmap(path: Path) -> bool:
    """Whether the name is one that COLMAP gives to cameras and images."""
    return path.stem in NAMES and path.suffix in SUFFIXES


def colmap_cameras(path: Path) -> list[dict[str, Any]]:
    """A camera for every image, in order of the images' names, as objects of this project's form.

    Raises:
        InputError: the other file is not beside this one, either is cut short or malformed, an
            image without a camera, a lens with distortion. OSError: unreadable.
    """
    files = [path.with_name(name + path.suffix) for name in NAMES]
    for file in files:
        if not file.is_file():
            raise InputError(
                f"{path.name}: a COLMAP model is read from {files[0].name} and {files[1].name} side by side, "
                f"there is no {file.name}; or export the cameras as nerfstudio's transforms.json"
            )
    raw = [file.read_bytes() for file in files]
    try:
        lenses = (_lenses_of_text if path.suffix == ".txt" else _lenses)(raw[0])
        images = (_images_of_text if path.suffix == ".txt" else _images)(raw[1])
    except InputError as error:
        raise InputError(f"{path.name}: {error}") from error
    except (struct.error, ValueError, IndexError) as error:
        raise InputError(f"{path.name}: not a readable COLMAP model: {' '.join(str(error).split())}") from error
    for name, camera, _ in images:
        if camera not in lenses:
            raise InputError(f"{path.name}: image {name!r} is of camera {camera}, which the model does not have")
    return [lenses[camera] | {"world_to_camera": _pose(pose)} for _, camera, pose in sorted(images)]


def _lens(model: str, width: int, height: int, values: list[float]) -> Lens:
    if model not in PARAMETERS:
        raise InputError(
            f"COLMAP's camera model must be one of {', '.join(PARAMETERS)}, it is {model[:40]}: "
            "undistort the images first"
        )
    if len(values) != PARAMETERS[model]:
        raise InputError(f"COLMAP's {model} has {PARAMETERS[model]} parameters, found {len(values)}")
    return {"width": width, "height": height, "fx": values[0], "fy": values[-3], "cx": values[-2], "cy": values[-1]}


def _lenses(raw: bytes) -> dict[int, Lens]:
    lenses: dict[int, Lens] = {}
    (count,), place = struct.unpack_from("<Q", raw), 8
    for _ in range(count):
        key, model, width, height = struct.unpack_from("<IiQQ", raw, place)
        name = MODELS.get(model, f"number {model}")
        values = list(struct.unpack_from(f"<{PARAMETERS.get(name, 0)}d", raw, place + 24))
        lenses[key] = _lens(name, width, height, values)
        place += 24 + 8 * len(values)
    return lenses


def _lenses_of_text(raw: bytes) -> dict[int, Lens]:
    rows = [line.split() for line in _lines(raw)]
    return {int(r[0]): _lens(r[1], int(r[2]), int(r[3]), [float(v) for v in r[4:]]) for r in rows if r}


def _images(raw: bytes) -> list[Image]:
    images: list[Image] = []
    (count,), place = struct.unpack_from("<Q", raw), 8
    for _ in range(count):
        *pose, camera = struct.unpack_from("<7dI", raw, place + 4)
        end = raw.index(b"\0", place + 64)
        (points,) = struct.unpack_from("<Q", raw, end + 1)
        images.append((raw[place + 64 : end].decode("utf-8", "replace"), camera, pose))
        place = end + 9 + 24 * points
        if place > len(raw):
            raise ValueError(f"an image of {points} points does not fit in the file")
    return images


def _images_of_text(raw: bytes) -> list[Image]:
    """Two lines an image, of which the second, its points, may be empty; other empty lines are passed over."""
    images: list[Image] = []
    points_follow = False
    for line in _lines(raw):
        if points_follow and _is_points(line.split()):
            points_follow = False
        elif line.strip():
            row = line.split(maxsplit=9)
            images.append((row[9].strip(), int(row[8]), [float(v) for v in row[1:8]]))
            points_follow = True
    return images


def _is_points(words: list[str]) -> bool:
    """Whether these are triples of x, y and a point's number; a line of an image has ten words or a name among them."""
    return (
        bool(words)
        and len(words) % 3 == 0
        and all(re.fullmatch(r"-?\d+", word) for word in words[2::3])
        and all(re.fullmatch(r"[-+.\deE]+", word) for word in words)
    )


def _lines(raw: bytes) -> list[str]:
    return [line for line in raw.decode("utf-8", "replace").splitlines() if not line.lstrip().startswith("#")]


@np.errstate(over="ignore", invalid="ignore", divide="ignore")  # a camera refuses what comes of it
def _pose(values: list[float]) -> list[list[float]]:
    """World to camera, of a quaternion w, x, y, z and a translation."""
    q = np.array(values[:4])
    w, x, y, z = q / np.linalg.norm(q)
    rotation: npt.NDArray[np.float64] = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )
    return np.concatenate([rotation, np.array([values[4:]]).T], axis=1).tolist()
