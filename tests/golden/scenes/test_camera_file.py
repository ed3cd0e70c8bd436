"""Camera files of every program, against the camera that was written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golden.errors import InputError
from golden.scenes import Camera, load_cameras
from golden.scenes.camera import look_at

EYE, TARGET, DOWN = np.array([1.0, -2.0, -3.0]), np.array([0.2, 0.1, 0.4]), np.array([0.0, 1.0, 0.0])
CAMERA = look_at(EYE, TARGET, DOWN, width=64, height=48, fov=0.8)
MATRIX = CAMERA.world_to_camera
LENS = {"cx": CAMERA.cx, "cy": CAMERA.cy}
OWN = CAMERA.to_json()


def opengl() -> list[list[float]]:
    """Camera to world with y up and z back."""
    matrix = np.linalg.inv(MATRIX)
    matrix[:, 1:3] *= -1
    return matrix.tolist()


FRAME = {"file_path": "a.png", "transform_matrix": opengl()}
NERFSTUDIO = {"camera_model": "OPENCV", "fl_x": CAMERA.fx, "fl_y": CAMERA.fy, "w": 64, "h": 48, "k1": 0.0} | LENS
ANGLE = 2 * np.arctan(32 / CAMERA.fx)
BLENDER = {"camera_angle_x": ANGLE, "frames": [FRAME]}
GSPLAT = {
    "width": 64, "height": 48, "viewmat": MATRIX.tolist(),
    "K": [[CAMERA.fx, 0, CAMERA.cx], [0, CAMERA.fy, CAMERA.cy], [0, 0, 1]],
}  # fmt: skip
FILES: dict[str, Any] = {
    "nerfstudio": NERFSTUDIO | {"frames": [FRAME]},
    "nerfstudio, lenses of the frames": {"frames": [NERFSTUDIO | FRAME]},
    "nerfstudio, an angle for a focal length": {
        "w": 64, "h": 48, "camera_angle_x": ANGLE, "camera_angle_y": 2 * np.arctan(24 / CAMERA.fy), "frames": [FRAME],
    },
    "nerfstudio, 3×4": NERFSTUDIO | {"frames": [FRAME | {"transform_matrix": opengl()[:3]}]},
    "gsplat": GSPLAT,
    "gsplat, a list": [GSPLAT],
    "gsplat, 3×4": GSPLAT | {"viewmat": MATRIX[:3].tolist()},
    "own, 3×4": OWN | {"world_to_camera": MATRIX[:3].tolist()},
    "own, 12 numbers": OWN | {"world_to_camera": MATRIX[:3].ravel().tolist()},
    "own, 16 numbers": OWN | {"world_to_camera": MATRIX.ravel().tolist()},
}  # fmt: skip


def assert_is(camera: Camera, width: int = 64, height: int = 48) -> None:
    across, down = width / 64, height / 48
    wanted = (width, height, CAMERA.fx * across, CAMERA.fy * down, CAMERA.cx * across, CAMERA.cy * down)
    found = (camera.width, camera.height, camera.fx, camera.fy, camera.cx, camera.cy)
    assert found == pytest.approx(wanted)
    assert np.allclose(camera.world_to_camera, MATRIX, atol=1e-9)


def load_text(folder: Path, content: Any, encoding: str = "utf-8", size: tuple[int, int] | None = None) -> list[Camera]:
    path = folder / "views.json"
    path.write_text(json.dumps(content), encoding)
    return load_cameras(path, size)


@pytest.mark.parametrize("kind", FILES)
def test_form(tmp_path: Path, kind: str) -> None:
    (camera,) = load_text(tmp_path, FILES[kind])
    assert_is(camera)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_byte_order_marks(tmp_path: Path, encoding: str) -> None:
    (camera,) = load_text(tmp_path, OWN, encoding)
    assert_is(camera)


@pytest.mark.parametrize("kind", FILES)
def test_a_size_scales_every_form(tmp_path: Path, kind: str) -> None:
    for size in ((32, 24), (128, 24)):
        (camera,) = load_text(tmp_path, FILES[kind], size=size)
        assert_is(camera, *size)


def test_a_size_makes_a_camera_fit_that_is_too_large(tmp_path: Path) -> None:
    large = OWN | {field: 150 * OWN[field] for field in ("width", "height", "fx", "fy", "cx", "cy")}
    with pytest.raises(InputError, match=r"camera 0: width must lie in 1\.\.8192 pixels, it is 9600; --size"):
        load_text(tmp_path, large)
    (camera,) = load_text(tmp_path, large, size=(64, 48))
    assert_is(camera)


def test_blender_files_need_a_size(tmp_path: Path) -> None:
    (camera,) = load_text(tmp_path, BLENDER, size=(64, 48))
    assert_is(camera)
    with pytest.raises(InputError, match=r"lacks the fields 'w' and 'h': say --size WIDTHxHEIGHT$"):
        load_text(tmp_path, BLENDER)


@pytest.mark.parametrize(
    "extra",
    [
        {"k1": 0, "k2": 0.0, "k3": 0, "k4": 0, "p1": 0.0, "p2": -0.0},
        {"distortion_params": [0.0] * 6, "is_fisheye": False},
        {"camera_model": "pinhole"},
        {"camera_model": "OPENCV", "aabb_scale": 16, "applied_transform": [[1, 0, 0, 0]] * 3},
    ],
)
def test_a_lens_without_distortion_may_say_so(tmp_path: Path, extra: dict[str, Any]) -> None:
    (camera,) = load_text(tmp_path, NERFSTUDIO | extra | {"frames": [FRAME]})
    assert_is(camera)


REFUSED: dict[str, tuple[Any, str]] = {
    "distortion": (NERFSTUDIO | {"k1": -0.1, "frames": [FRAME]}, "k1 must be 0, as of undistorted images, it is -0.1"),
    "fisheye": (NERFSTUDIO | {"camera_model": "OPENCV_FISHEYE", "frames": [FRAME]}, "it is 'OPENCV_FISHEYE'"),
    "is_fisheye": (NERFSTUDIO | {"is_fisheye": True, "frames": [FRAME]}, "must be a pin-hole, is_fisheye is True"),
    "distortion as a list": (
        NERFSTUDIO | {"distortion_params": [0, 0.25, 0, 0], "frames": [FRAME]},
        "distortion_params must be 0, as of undistorted images, it is 0.25",
    ),
    "distortion of a frame": (NERFSTUDIO | {"frames": [FRAME | {"p2": 1e-9}]}, "p2 must be 0"),
    "distortion in another form": (OWN | {"k1": 0.5}, "k1 must be 0, as of undistorted images, it is 0.5"),
    "a skewed K": (GSPLAT | {"K": [[70, 0.5, 32], [0, 70, 24], [0, 0, 1]]}, "0 0 1, it is 70 0.5 32 0 70 24 0 0 1"),
    "K row by column": (GSPLAT | {"K": [[70, 0, 0], [0, 70, 0], [32, 24, 1]]}, "K must be fx 0 cx"),
    "no focal length": ({"w": 64, "h": 48, "frames": [FRAME]}, "lacks the field 'camera_angle_x'"),
    "an angle of pi": ({"w": 64, "h": 48, "camera_angle_x": 3.2, "frames": [FRAME]}, "between 0 and pi, it is 3.2"),
    "no frames": (NERFSTUDIO | {"frames": []}, "the list is empty"),
    "a frame that is a number": (NERFSTUDIO | {"frames": [7]}, "a camera is a JSON object, found int"),
    "a frame without a matrix": (NERFSTUDIO | {"frames": [{}]}, "lacks the field"),
    "gsplat without K": ({k: v for k, v in GSPLAT.items() if k != "K"}, "lacks the field 'K'"),
    "K of four numbers": (GSPLAT | {"K": [70, 70, 32, 32]}, "K must be 3×3 numbers"),
    "3×3 matrix": (OWN | {"world_to_camera": MATRIX[:3, :3].tolist()}, "world_to_camera must be 3×4 numbers"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_refused(tmp_path: Path, kind: str) -> None:
    content, message = REFUSED[kind]
    with pytest.raises(InputError) as caught:
        load_text(tmp_path, content)
    assert message in str(caught.value)
    assert str(caught.value).startswith("views.json")


ODD = [
    None,
    True,
    "64",
    [],
    {},
    [[1, 2], [3]],
    0,
    -1,
    1e300,
    -1e300,
    float("nan"),
    float("inf"),
    10**400,
    [[1e300] * 4] * 3,
]
FRAMES = [NERFSTUDIO | FRAME, {"w": 64, "h": 48} | BLENDER | FRAME, GSPLAT]


@given(st.sampled_from(FRAMES), st.sampled_from(sorted({k for f in FRAMES for k in f})), st.sampled_from(ODD))
@pytest.mark.parametrize("size", [None, (64, 48)])
def test_any_odd_value_in_any_field(
    tmp_path_factory: pytest.TempPathFactory, size: Any, item: Any, field: str, value: Any
) -> None:
    folder = tmp_path_factory.getbasetemp()
    message = ""
    try:
        (camera,) = load_text(folder, item | {field: value}, size=size)
    except InputError as error:
        message = str(error)
    else:
        assert np.isfinite(camera.position).all()
    assert message.startswith("views.json" * bool(message))
    assert len(message.splitlines()) <= 1
