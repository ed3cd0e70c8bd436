"""COLMAP's models, binary and text, against the cameras that were written."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from golden.errors import InputError
from golden.scenes import load_cameras
from tests.golden.scenes.test_camera_file import CAMERA, MATRIX, assert_is


def quaternion() -> list[float]:
    rotation = MATRIX[:3, :3]
    w = np.sqrt(1 + np.trace(rotation)) / 2
    x, y, z = (rotation[[2, 0, 1], [1, 2, 0]] - rotation[[1, 2, 0], [2, 0, 1]]) / (4 * w)
    return [w, x, y, z]


POSE = [*quaternion(), *MATRIX[:3, 3]]


def write_model(folder: Path, form: str, model: str = "PINHOLE") -> Path:
    """Two images of one camera; the first by name is the one that was written."""
    values = [CAMERA.fx, CAMERA.fy, CAMERA.cx, CAMERA.cy] if model == "PINHOLE" else [CAMERA.fx, CAMERA.cx, CAMERA.cy]
    images = [("b.png", [1, 0, 0, 0, 0, 0, 0]), ("a.png", POSE)]
    if form == ".txt":
        (folder / "cameras.txt").write_text(f"# Camera list\n3 {model} 64 48 {' '.join(map(str, values))}\n")
        lines = [f"{k} {' '.join(map(str, pose))} 3 {name}\n{'1 2 -1' * k}\n" for k, (name, pose) in enumerate(images)]
        (folder / "images.txt").write_text("# Image list\n" + "".join(lines))
    else:
        number = {"SIMPLE_PINHOLE": 0, "PINHOLE": 1, "OPENCV": 4}[model]
        (folder / "cameras.bin").write_bytes(struct.pack(f"<QIiQQ{len(values)}d", 1, 3, number, 64, 48, *values))
        (folder / "images.bin").write_bytes(
            struct.pack("<Q", 2)
            + b"".join(
                struct.pack("<I7dI", k, *pose, 3) + name.encode() + b"\0" + struct.pack("<Q", k) + bytes(24 * k)
                for k, (name, pose) in enumerate(images)
            )
        )
    return folder / f"cameras{form}"


@pytest.mark.parametrize("model", ["PINHOLE", "SIMPLE_PINHOLE"])
@pytest.mark.parametrize("form", [".bin", ".txt"])
def test_colmap(tmp_path: Path, form: str, model: str) -> None:
    path = write_model(tmp_path, form, model)
    for file in (path, path.with_stem("images")):
        first, second = load_cameras(file)
        assert_is(first)
        assert np.array_equal(second.world_to_camera, np.eye(4))
    assert_is(load_cameras(path, (32, 12))[0], 32, 12)


@pytest.mark.parametrize("points", ["", "1.5 2 -1", "1 2 7 3e-1 4.5 8"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_empty_lines_anywhere_in_text(tmp_path: Path, points: str, ends: str) -> None:
    """Between comment and image, between images, at the end; an editor may also have dropped empty lines of points."""
    path = write_model(tmp_path, ".txt")
    comment, first, _, second, _ = path.with_stem("images").read_text().splitlines()
    for lines in (
        ["", f"  {comment}", "", first, points, "", second, points, "", ""],
        [first, points, second] if points else [first, second],
        [first, "", points, "", "", second],
    ):
        path.with_stem("images").write_bytes(ends.join(lines).encode())
        assert_is(load_cameras(path)[0])
        assert len(load_cameras(path)) == 2


@pytest.mark.parametrize("form", [".bin", ".txt"])
def test_colmap_needs_images(tmp_path: Path, form: str) -> None:
    path = write_model(tmp_path, form)
    path.with_stem("images").unlink()
    with pytest.raises(InputError, match=rf"^cameras{form}: a COLMAP model .* there is no images{form}; or export"):
        load_cameras(path)


@pytest.mark.parametrize("form", [".bin", ".txt"])
def test_colmap_cut_anywhere_is_refused_in_one_line(tmp_path: Path, form: str) -> None:
    path = write_model(tmp_path, form)
    for file in (path, path.with_stem("images")):
        data = file.read_bytes()
        for end in range(0, len(data), 3):
            file.write_bytes(data[:end])
            message = ""
            try:
                load_cameras(path)
            except InputError as error:
                message = str(error)
            if message:
                assert message.startswith("cameras")
                assert len(message.splitlines()) == 1
            else:
                assert form == ".txt"  # a last number may have lost digits, a last image its line
        file.write_bytes(data)


def test_colmap_lenses_with_distortion_are_refused(tmp_path: Path) -> None:
    for form in (".bin", ".txt"):
        path = write_model(tmp_path, form, "OPENCV")
        with pytest.raises(InputError, match=r"must be one of SIMPLE_PINHOLE, PINHOLE, it is .*: undistort"):
            load_cameras(path)


def test_colmap_images_of_no_camera_are_refused(tmp_path: Path) -> None:
    path = write_model(tmp_path, ".txt")
    path.write_text(path.read_text().replace("\n3 ", "\n4 "))
    with pytest.raises(InputError, match=r"image 'b\.png' is of camera 3, which the model does not have"):
        load_cameras(path)


def test_another_file_of_colmap_is_told_which_is_read(tmp_path: Path) -> None:
    (tmp_path / "points3D.bin").write_bytes(bytes(8))
    with pytest.raises(InputError, match=r"a camera file is JSON.*; of COLMAP, cameras\.bin or cameras\.txt$"):
        load_cameras(tmp_path / "points3D.bin")
