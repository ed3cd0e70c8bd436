from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from jsonschema import Draft202012Validator
from PIL import Image

from golden.scenes import Camera, load_scene, orbit, orbit_path
from hw.splat.config import tiny
from sim.kernel.report_schema import schema
from sim.splat import workload as module
from sim.splat.workload import prepare
from tests.sim.conftest import Tessera


@pytest.mark.parametrize("backend", ["model", "reference", "rtl"])
def test_a_sequence_is_its_frames_drawn_one_by_one(
    tessera: Tessera, scene_file: Path, tmp_path: Path, backend: str
) -> None:
    """Pictures, numbers, video and reports of a part of an orbit, on every backend."""
    line = ("--size", "40x32", "--backend", backend)
    check = ("--check",) if backend == "rtl" else ()
    outcome = tessera(
        "render", scene_file, *line, *check, "--path", "orbit:6:60deg", "--orbit", "1/6", "--frames", "1:3",
        "--out", tmp_path / "s" / "f.png", "--array", tmp_path / "s" / "a.npy",
        "--video", tmp_path / "s" / "v.gif", "--report", tmp_path / "s" / "r.json",
    )  # fmt: skip
    assert (outcome.status, outcome.err) == (0, "")
    plot = [] if backend == "reference" else ["v-figures.png"]
    names = ["a.npy", "f-0001.png", "f-0002.png", "r.json", *plot, "v.gif"]
    assert sorted(path.name for path in (tmp_path / "s").iterdir()) == names
    array = np.load(tmp_path / "s" / "a.npy")
    report = json.loads((tmp_path / "s" / "r.json").read_text())
    Draft202012Validator(schema()).validate(report)
    assert [frame["workload"]["frame"] for frame in report["frames"]] == [1, 2]
    assert report["workload"]["frames"] == 2
    with Image.open(tmp_path / "s" / "v.gif") as image:
        assert (image.n_frames, image.size) == (2, (40, 32))
    for place, number in enumerate((1, 2)):
        alone = tmp_path / f"alone-{number}.npy"
        tessera(
            "render", scene_file, *line, "--orbit", f"{1 + number}/6", "--out", tmp_path / "x.png", "--array", alone
        )
        assert np.array_equal(array[place], np.load(alone))
        picture = np.asarray(Image.open(tmp_path / "s" / f"f-{number:04d}.png"))
        assert np.array_equal(picture, np.asarray(Image.open(tmp_path / "x.png")))
    quality, cycles = report["quality"], [frame["cycles"] for frame in report["frames"]]
    if backend == "rtl":
        assert quality["rtl_equals_model"] is True
        assert report["cycles"] == sum(cycles)
    assert ("psnr_db" in quality) == (backend != "reference")
    assert quality.get("psnr_db", 99) > 40


def test_a_file_of_cameras_is_a_path(tessera: Tessera, scene_file: Path, tmp_path: Path) -> None:
    """All of them in order, scaled as one camera is."""
    scene = load_scene(scene_file)
    cameras = [orbit(scene, k, 3, width=16, height=16) for k in (2, 0)]
    (tmp_path / "p.json").write_text(json.dumps([camera.to_json() for camera in cameras]))
    outcome = tessera(
        "render", scene_file, "--backend", "reference", "--size", "24x24", "--path", tmp_path / "p.json", "--json"
    )
    assert outcome.status == 0, outcome.err
    frames = json.loads(outcome.out)["frames"]
    assert [frame["workload"]["size"] for frame in frames] == ["24x24"] * 2
    found = [np.array(frame["workload"]["camera"]["world_to_camera"]) for frame in frames]
    assert all(np.array_equal(a, camera.world_to_camera) for a, camera in zip(found, cameras, strict=True))


def test_a_step_of_an_orbit_is_its_angle(scene_file: Path) -> None:
    """Cameras turn by the step about the vertical and keep their distance."""
    first, second = orbit_path(load_scene(scene_file), [0.3, 0.3 + math.radians(1)], width=16, height=16)
    turn = first.world_to_camera[:3, :3] @ second.world_to_camera[:3, :3].T
    tilt = math.atan(math.tan(math.radians(18)))
    forward = first.world_to_camera[2, :3] @ second.world_to_camera[2, :3]
    assert forward == pytest.approx(1 - math.cos(tilt) ** 2 * (1 - math.cos(math.radians(1))), abs=1e-12)
    assert math.acos((np.trace(turn) - 1) / 2) == pytest.approx(math.radians(1), abs=1e-9)


def test_the_scene_is_prepared_once(scene_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A view that stores the scene as the view before did shares its image; one that cannot makes its own."""
    scene = load_scene(scene_file)
    near, far = (orbit(scene, k, 3, width=16, height=16) for k in (0, 1))
    first = prepare(scene, near, tiny())
    alone = prepare(scene, far, tiny())
    monkeypatch.setattr(module, "pack_scene", lambda *_: pytest.fail("packed again"))
    second = prepare(scene, far, tiny(), before=first)
    assert second.image is first.image
    assert np.array_equal(second.memory.data, alone.memory.data)
    monkeypatch.undo()
    matrix = near.world_to_camera.copy()
    matrix[2, 3] += 1e5  # so far away that the voxels lie around the camera
    away = prepare(scene, Camera(**{**vars(near), "world_to_camera": matrix}), tiny(), before=first)
    assert away.image is not first.image
