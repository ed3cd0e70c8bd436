"""Camera files: this project's JSON, INRIA's, gsplat's, nerfstudio's and Blender's, and COLMAP's models."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from golden.errors import InputError
from golden.scenes.camera import MAX_SIDE, Camera
from golden.scenes.colmap import colmap_cameras, is_colmap

#: Nerfstudio's names of the lens models that are a pin-hole where their distortion is zero.
PINHOLES = ("OPENCV", "PINHOLE", "SIMPLE_PINHOLE")
DISTORTION = ("k1", "k2", "k3", "k4", "k5", "k6", "p1", "p2")
PLACES_OF_K = np.array([[True, False, True], [False, True, True], [False, False, False]])  # of focal lengths and centre
BACK_AND_UP = np.array([1.0, -1.0, -1.0])  # OpenGL's camera axes (y up, z back) in OpenCV's

Doubles = npt.NDArray[np.float64]
Item = Mapping[str, Any]


def load_cameras(path: str | Path, size: tuple[int, int] | None = None) -> list[Camera]:
    """Reads a camera file: one object or a list, in this project's form, INRIA's or gsplat's (`viewmat` and `K`).

    A `transforms.json` of nerfstudio or Blender gives a camera for every frame, in the file's axes.
    `cameras.bin` or `cameras.txt` of COLMAP, with `images` beside it, one for every image, in order
    of its name. Matrices may lack their last row.

    Args:
        size: width and height in pixels that every camera is scaled to, x and y each by its own
            factor; Blender's files, which name none, need it.

    Raises:
        InputError: unreadable, not JSON, an empty list, a field missing, of the wrong type or out
            of range, a lens that is not a pin-hole.
    """
    path = Path(path)
    try:
        items = colmap_cameras(path) if is_colmap(path) else _items(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    if not items:
        raise InputError(f"{path.name}: a camera file needs at least one camera, the list is empty")
    return [_camera(f"{path.name}, camera {index}", item, size) for index, item in enumerate(items)]


def _items(path: Path) -> list[Any]:
    try:
        data = json.loads(path.read_bytes())  # of bytes: a byte-order mark and UTF-16 are understood
    except (ValueError, RecursionError) as error:  # not text, not JSON, nested or a number without end
        hint = "; of COLMAP, cameras.bin or cameras.txt" if path.suffix in (".bin", ".txt") else ""
        raise InputError(f"{path.name}: a camera file is JSON: {error}{hint}") from error
    if isinstance(data, list):
        return data
    if isinstance(data, dict) and isinstance(data.get("frames"), list):
        shared = {field: value for field, value in data.items() if field != "frames"}
        return [shared | frame if isinstance(frame, dict) else frame for frame in data["frames"]]
    return [data]


def _camera(where: str, item: object, size: tuple[int, int] | None) -> Camera:
    if not isinstance(item, Mapping):
        raise InputError(f"{where}: a camera is a JSON object, found {type(item).__name__}")
    plain = _plain(where, item, size)
    number = {field: float(_numbers(where, plain, field)) for field in ("width", "height", "fx", "fy", "cx", "cy")}
    for field in ("width", "height"):
        if not number[field].is_integer():
            raise InputError(f"{where}: {field} must be a whole number, it is {number[field]:g}")
        if size is not None and number[field] < 1:
            raise InputError(f"{where}: {field} must be at least 1 to be scaled, it is {number[field]:g}")
    width, height = size or (int(number["width"]), int(number["height"]))
    across, down = (width / number["width"], height / number["height"]) if size else (1.0, 1.0)
    try:
        return Camera(
            width=width,
            height=height,
            fx=number["fx"] * across,
            fy=number["fy"] * down,
            cx=number["cx"] * across,
            cy=number["cy"] * down,
            world_to_camera=plain["world_to_camera"],
        )
    except InputError as error:
        hint = "; --size WIDTHxHEIGHT scales it" if size is None and max(width, height) > MAX_SIDE else ""
        raise InputError(f"{where}: {str(error).removeprefix('camera: ')}{hint}") from error


def _plain(where: str, item: Item, size: tuple[int, int] | None) -> dict[str, Any]:
    """The item in this project's form, whichever it is in."""
    _require_pinhole(where, item)
    if "transform_matrix" in item:
        return _of_transforms(where, item, size)
    if "viewmat" in item:
        _require(where, item, "width", "height", "K")
        k = _numbers(where, item, "K", 3, 3)
        if not np.abs(k[~PLACES_OF_K] - [0, 0, 0, 0, 1]).max() <= 1e-6:
            raise InputError(f"{where}: K must be fx 0 cx, 0 fy cy, 0 0 1, it is {' '.join(f'{v:g}' for v in k.flat)}")
        lens = {"fx": k[0, 0], "fy": k[1, 1], "cx": k[0, 2], "cy": k[1, 2]}
        return {**item, **lens, "world_to_camera": _matrix(where, item, "viewmat")}
    _require(where, item, "width", "height", "fx", "fy")
    if "position" in item and "rotation" in item:  # INRIA: camera to world, the middle where none is given
        middle = {axis: _numbers(where, item, side) / 2 for axis, side in (("cx", "width"), ("cy", "height"))}
        matrix = np.eye(4)
        matrix[:3, :3] = _numbers(where, item, "rotation", 3, 3)
        matrix[:3, 3] = _numbers(where, item, "position", 3)
        return {**{axis: value.item() for axis, value in middle.items()}, **item, "world_to_camera": _inverse(matrix)}
    _require(where, item, "cx", "cy", "world_to_camera")
    return {**item, "world_to_camera": _matrix(where, item, "world_to_camera")}


def _of_transforms(where: str, item: Item, size: tuple[int, int] | None) -> dict[str, Any]:
    """A frame of nerfstudio's or Blender's `transforms.json`."""
    if size is None and not ("w" in item and "h" in item):
        raise InputError(f"{where}: lacks the fields 'w' and 'h': say --size WIDTHxHEIGHT")
    width, height = (
        float(_numbers(where, item, side)) if side in item else float((size or (0, 0))[place])
        for place, side in enumerate("wh")
    )
    if "fl_x" in item:
        fx = float(_numbers(where, item, "fl_x"))
    else:
        _require(where, item, "camera_angle_x")
        fx = _focal(where, item, "camera_angle_x", width)
    fy = _focal(where, item, "camera_angle_y", height) if "camera_angle_y" in item and "fl_x" not in item else fx
    matrix = _matrix(where, item, "transform_matrix")
    matrix[:3, :3] *= BACK_AND_UP
    return {
        "width": width,
        "height": height,
        "fx": fx,
        "fy": item.get("fl_y", fy),
        "cx": item.get("cx", width / 2),
        "cy": item.get("cy", height / 2),
        "world_to_camera": _inverse(matrix),
    }


def _require_pinhole(where: str, item: Item) -> None:
    model = item.get("camera_model", PINHOLES[0])
    if not isinstance(model, str) or model.upper() not in PINHOLES:
        raise InputError(f"{where}: camera_model must be one of {', '.join(PINHOLES)}, it is {str(model)[:40]!r}")
    if item.get("is_fisheye"):
        raise InputError(f"{where}: the lens must be a pin-hole, is_fisheye is {str(item['is_fisheye'])[:40]}")
    found = {field: _numbers(where, item, field) for field in DISTORTION if field in item}
    listed = item.get("distortion_params")
    if isinstance(listed, list) and listed:
        found["distortion_params"] = _numbers(where, item, "distortion_params", len(listed))
    for field, values in found.items():
        if values.any():
            wrong = values.flat[np.flatnonzero(values)[0]]
            raise InputError(f"{where}: {field} must be 0, as of undistorted images, it is {wrong:g}")


def _focal(where: str, item: Item, field: str, pixels: float) -> float:
    angle = float(_numbers(where, item, field))
    if not 0 < angle < math.pi:
        raise InputError(f"{where}: {field} must lie between 0 and pi, it is {angle:g}")
    return pixels / 2 / math.tan(angle / 2)


def _inverse(camera_to_world: Doubles) -> Doubles:
    """The matrix the other way round; its columns must be axes at right angles, which `Camera` checks."""
    matrix = camera_to_world.copy()
    matrix[:3, :3] = camera_to_world[:3, :3].T
    with np.errstate(over="ignore", invalid="ignore"):  # Camera refuses what comes of it
        matrix[:3, 3] = -matrix[:3, :3] @ camera_to_world[:3, 3]
    return matrix


def _require(where: str, item: Item, *fields: str) -> None:
    missing = [field for field in fields if field not in item]
    if missing:
        raise InputError(f"{where}: lacks the field '{missing[0]}'")


def _matrix(where: str, item: Item, field: str) -> Doubles:
    """4×4 numbers, or 3×4 and the last row that is always the same."""
    raw = item[field]
    if isinstance(raw, list) and len(raw) in (3, 12):
        return np.concatenate([_numbers(where, item, field, 3, 4), [[0, 0, 0, 1]]])
    return _numbers(where, item, field, 4, 4)


def _numbers(where: str, item: Item, field: str, *shape: int) -> Doubles:
    """The field as an array of `shape`, one number where there is none."""
    raw = item[field]
    try:
        value = np.array(raw)
    except ValueError:  # a ragged list
        value = np.array(None)
    if value.dtype.kind not in "iuf" or value.size != math.prod(shape):
        rule = f"{'×'.join(map(str, shape))} numbers" if shape else "a number"
        found = f"a {type(raw).__name__}" if isinstance(raw, list | dict) else repr(raw)[:40]
        raise InputError(f"{where}: {field} must be {rule}, it is {found}")
    return value.astype(np.float64).reshape(shape)
