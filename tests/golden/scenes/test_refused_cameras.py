"""Camera files that are refused: always one line that names the file, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golden.errors import InputError
from golden.scenes import load_cameras

IDENTITY = np.eye(4).tolist()
GOOD = {"width": 64, "height": 48, "fx": 50.0, "fy": 50.0, "cx": 32.0, "cy": 24.0, "world_to_camera": IDENTITY}
INRIA = {k: GOOD[k] for k in ("width", "height", "fx", "fy")} | {"position": [1, 2, 3], "rotation": np.eye(3).tolist()}


def matrix(row: int, column: int, value: float) -> dict[str, Any]:
    changed = np.eye(4)
    changed[row, column] = value
    return GOOD | {"world_to_camera": changed.tolist()}


TEXTS = {
    "empty": ("", "a camera file is JSON"),
    "not JSON": ("width=64", "a camera file is JSON"),
    "not UTF-8": (b"\xff\xfe\x00", "a camera file is JSON"),
    "cut short": (json.dumps(GOOD)[:-2], "a camera file is JSON"),
    "nested without end": ("[" * 100_000, "a camera file is JSON"),
    "number of 5000 digits": ('{"width": ' + "9" * 5000 + "}", "a camera file is JSON"),
    "empty list": ("[]", "at least one camera, the list is empty"),
    "a number": ("64", "camera 0: a camera is a JSON object, found int"),
    "null": ("null", "found NoneType"),
    "list of lists": (json.dumps([GOOD, [GOOD]]), "camera 1: a camera is a JSON object, found list"),
    "nested 900 deep": (json.dumps(GOOD)[:-1] + ', "cx": ' + "[" * 900 + "]" * 900 + "}", "cx must be a number"),
}
ITEMS: dict[str, tuple[dict[str, Any], str]] = {
    **{f"no {name}": ({k: v for k, v in GOOD.items() if k != name}, f"lacks the field '{name}'") for name in GOOD},
    "INRIA without position": ({k: v for k, v in INRIA.items() if k != "position"}, "lacks the field 'cx'"),
    "INRIA without fy": ({k: v for k, v in INRIA.items() if k != "fy"}, "lacks the field 'fy'"),
    "width of zero": (GOOD | {"width": 0}, "width must lie in 1..8192 pixels, it is 0"),
    "negative height": (GOOD | {"height": -48}, "height must lie in 1..8192 pixels, it is -48"),
    "giant width": (GOOD | {"width": 10**9}, "it is 1000000000"),
    "width beyond a double": (GOOD | {"width": 10**400}, "width must be a number"),
    "infinite width": (GOOD | {"width": float("inf")}, "width must be a whole number, it is inf"),
    "NaN width": (GOOD | {"width": float("nan")}, "width must be a whole number, it is nan"),
    "broken width": (GOOD | {"width": 64.5}, "width must be a whole number, it is 64.5"),
    "width as text": (GOOD | {"width": "64"}, "width must be a number, it is '64'"),
    "width as truth": (GOOD | {"width": True}, "width must be a number, it is True"),
    "fx null": (GOOD | {"fx": None}, "fx must be a number, it is None"),
    "fx zero": (GOOD | {"fx": 0}, "fx must lie in 0.01..1e+06 pixels, it is 0"),
    "fx negative": (GOOD | {"fx": -50}, "it is -50"),
    "fy NaN": (GOOD | {"fy": float("nan")}, "fy must lie in 0.01..1e+06 pixels, it is nan"),
    "fy giant": (GOOD | {"fy": 1e300}, "it is 1e+300"),
    "cx infinite": (GOOD | {"cx": float("-inf")}, "cx must lie within ±1e+06 pixels, it is -inf"),
    "cy a list": (GOOD | {"cy": [24, 24]}, "cy must be a number, it is a list"),
    "matrix of text": (GOOD | {"world_to_camera": [["1"] * 4] * 4}, "must be 4×4 numbers, it is a list"),
    "matrix 2×4": (GOOD | {"world_to_camera": IDENTITY[:2]}, "must be 4×4 numbers"),
    "matrix ragged": (GOOD | {"world_to_camera": [*IDENTITY[:3], [0]]}, "must be 4×4 numbers"),
    "matrix an object": (GOOD | {"world_to_camera": {}}, "must be 4×4 numbers, it is a dict"),
    "matrix with NaN": (matrix(1, 1, float("nan")), "4×4 numbers within ±1e+12"),
    "matrix with infinity": (matrix(0, 3, float("inf")), "4×4 numbers within ±1e+12"),
    "matrix out of range": (matrix(0, 3, -1e300), "4×4 numbers within ±1e+12"),
    "matrix sheared": (matrix(0, 1, 0.5), "must be a rotation"),
    "matrix mirrored": (matrix(0, 0, -1), "must be a rotation"),
    "matrix of zeros": (GOOD | {"world_to_camera": [[0] * 4] * 4}, "must be a rotation"),
    "matrix column by column": (matrix(3, 0, 5), "last row of world_to_camera must be 0 0 0 1, it is 5 0 0 1"),
    "position NaN": (INRIA | {"position": [0, 0, float("nan")]}, "4×4 numbers within ±1e+12"),
    "position out of range": (INRIA | {"position": [1e308] * 3, "rotation": [[10] * 3] * 3}, "4×4 numbers within"),
    "position of two": (INRIA | {"position": [0, 0]}, "position must be 3 numbers"),
    "rotation a quaternion": (INRIA | {"rotation": [1, 0, 0, 0]}, "rotation must be 3×3 numbers"),
    "rotation doubled": (INRIA | {"rotation": (2 * np.eye(3)).tolist()}, "must be a rotation"),
}


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        load_cameras(path)
    assert path.name in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


@pytest.mark.parametrize("kind", TEXTS)
def test_text(tmp_path: Path, kind: str) -> None:
    text, message = TEXTS[kind]
    path = tmp_path / "bad.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert message in refusal(path)


@pytest.mark.parametrize("kind", ITEMS)
def test_item(tmp_path: Path, kind: str) -> None:
    item, message = ITEMS[kind]
    path = tmp_path / "bad.json"
    path.write_text(json.dumps([GOOD, item]))
    assert message in refusal(path)
    assert "bad.json, camera 1: " in refusal(path)


def test_path(tmp_path: Path) -> None:
    assert "cannot be read: No such file or directory" in refusal(tmp_path / "absent.json")
    assert "cannot be read: Is a directory" in refusal(tmp_path)
    with pytest.raises(InputError, match="null"):
        load_cameras("a\0.json")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=20,
)


@given(st.sampled_from([GOOD, INRIA]), st.sampled_from(sorted({*GOOD, *INRIA})), json_values)
def test_any_value_in_any_field(tmp_path_factory: pytest.TempPathFactory, item: Any, field: str, value: Any) -> None:
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_text(json.dumps(item | {field: value}))
    try:
        (camera,) = load_cameras(path)
    except InputError:
        refusal(path)
    else:
        assert np.isfinite(camera.position).all()
        assert min(camera.width, camera.height, camera.fx, camera.fy) > 0
