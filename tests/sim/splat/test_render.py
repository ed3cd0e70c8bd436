from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from golden.scenes import load_scene, orbit
from golden.scenes.camera import Camera
from golden.splat.reference import render as render_reference
from hw.generate import config_hash
from hw.splat.config import default
from sim.kernel.quality import psnr
from tests.golden.scenes.writers import plain_columns, ply_bytes, random_cloud
from tests.sim.conftest import Tessera


@pytest.fixture
def camera(scene_file: Path) -> Camera:
    """A camera that sees the small scene."""
    return orbit(load_scene(scene_file), 1, 3, width=40, height=32)


def inria(camera: Camera) -> dict[str, object]:
    """The camera as INRIA's cameras.json has it."""
    matrix = camera.world_to_camera
    sizes = {name: getattr(camera, name) for name in ("width", "height", "fx", "fy")}
    place = {"position": camera.position.tolist(), "rotation": matrix[:3, :3].T.tolist()}
    return {"id": 0, "img_name": "00001", **sizes, **place}


@pytest.mark.parametrize("backend", ["model", "reference", "rtl"])
def test_every_backend_draws(tessera: Tessera, scene_file: Path, tmp_path: Path, backend: str) -> None:
    """Picture, array and report of each backend agree with each other and with the float reference."""
    files = [tmp_path / "deep" / name for name in ("frame.png", "frame.npy", "report.json")]
    outcome = tessera(
        "render", scene_file, "--orbit", "2/5", "--size", "40x32", "--backend", backend,
        "--out", files[0], "--array", files[1], "--report", files[2],
    )  # fmt: skip
    assert (outcome.status, outcome.err) == (0, "")
    assert "frame.png: 40×32" in outcome.out
    assert f"splat by {backend} in " in outcome.out
    assert sorted(files[0].parent.iterdir()) == sorted(files)
    picture, array = np.array(Image.open(files[0])), np.load(files[1])
    assert picture.shape == array.shape == (32, 40, 3)
    assert (picture.dtype, array.dtype) == (np.uint8, np.float32)
    assert np.abs(picture / 255 - np.clip(array, 0, 1)).max() <= 0.5 / 255 + 1e-6
    scene = load_scene(scene_file)
    reference = render_reference(scene, orbit(scene, 2, 5, width=40, height=32)).numpy()
    assert reference.max() > 0.2
    assert psnr(array, reference) > 40
    report = json.loads(files[2].read_text())
    assert report["workload"]["scene"] == "small.ply"
    assert report["workload"]["gaussians"] == 300
    assert report["workload"]["backend"] == backend
    assert (report["cycles"] is not None) == (backend == "rtl")


@pytest.mark.parametrize("pauses", [0, 100])
def test_rtl_is_checked_on_request(tessera: Tessera, scene_file: Path, tmp_path: Path, pauses: int) -> None:
    """--check says that every pixel is equal; the report holds what was measured, and how the memory was set."""
    report_file = tmp_path / "report.json"
    outcome = tessera(
        "render", scene_file, "--size", "40x32", "--check", "--stalls", pauses, "--latency", 50, "--seed", 7,
        "--out", tmp_path / "f.png", "--report", report_file,
    )  # fmt: skip
    assert outcome.status == 0
    assert "RTL equals the model in all 5120 words of framebuffer" in outcome.out
    report = json.loads(report_file.read_text())
    assert report["quality"] == {"rtl_equals_model": True, "words_compared": 5120}
    assert report["memory"] == {"latency": 50, "bandwidth": 256, "stalls": pauses, "seed": 7, "dram": None}
    assert report["seed"] == 7
    assert report["cycles"] == report["counters"]["cycles"] > 0
    assert report["ratio"] == pytest.approx(report["cycles"] / report["bound"]["cycles"])
    assert report["bytes"]["total"] == sum(n for kind, n in report["bytes"].items() if kind != "total") > 0
    assert report["config_hash"] == config_hash(default())


def test_a_frame_that_differs_fails_the_check(
    tessera: Tessera, scene_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Status 1, at once the place and a picture of the difference, in the end one line with the place, and no frame."""
    import golden.splat.model as model

    original = model.pixel_bytes
    monkeypatch.setattr(model, "pixel_bytes", lambda *a: original(*a) ^ 1)
    monkeypatch.setattr("sim.kernel.run.stage_difference", lambda *_: None)
    outcome = tessera(
        "render", scene_file, "--size", "40x32", "--check", "--out", tmp_path / "f.png", "--report", tmp_path / "r.json"
    )
    assert outcome.status == 1
    first, *_, last = outcome.err.splitlines()
    assert first.startswith(
        "tessera: RTL and model differ in framebuffer: y 0 x 0: 5120 of 5120 words differ, in 1280 of"
    )
    assert last.startswith("tessera: error: framebuffer: y 0 x 0 r: expected 1, got 0")
    assert (np.asarray(Image.open(tmp_path / "r-difference.png")) == 255).all()
    assert not (tmp_path / "f.png").exists()


def test_camera_files_of_every_kind(tessera: Tessera, scene_file: Path, camera: Camera, tmp_path: Path) -> None:
    """One object, a list, INRIA's form and the orbit that they were made from draw the same picture."""
    other = orbit(load_scene(scene_file), 0, 3, width=16, height=16)
    files = {
        "single.json": (camera.to_json(), 0),
        "list.json": ([other.to_json(), camera.to_json()], 1),
        "cameras.json": ([inria(other), inria(camera)], 1),
    }
    pictures = []
    for name, (content, view) in files.items():
        (tmp_path / name).write_text(json.dumps(content))
        array = tmp_path / f"{name}.npy"
        outcome = tessera(
            "render", scene_file, "--backend", "reference", "--camera", tmp_path / name, "--view", view,
            "--out", tmp_path / "f.png", "--array", array,
        )  # fmt: skip
        assert outcome.status == 0
        pictures.append(np.load(array))
    array = tmp_path / "orbit.npy"
    tessera(
        "render", scene_file, "--backend", "reference", "--orbit", "1/3", "--size", "40x32",
        "--out", tmp_path / "f.png", "--array", array,
    )  # fmt: skip
    assert all(np.abs(picture - np.load(array)).max() < 1e-4 for picture in pictures)


def test_a_size_scales_the_camera(tessera: Tessera, scene_file: Path, camera: Camera, tmp_path: Path) -> None:
    """The frame keeps its field of view: a camera four times as fine draws the same picture at the old size."""
    fine = {name: 4 * getattr(camera, name) for name in ("width", "height", "fx", "fy", "cx", "cy")}
    (tmp_path / "fine.json").write_text(json.dumps(camera.to_json() | fine))
    outcome = tessera(
        "render", scene_file, "--backend", "reference", "--camera", tmp_path / "fine.json", "--size", "40x32",
        "--out", tmp_path / "f.png", "--array", tmp_path / "f.npy",
    )  # fmt: skip
    assert (outcome.status, outcome.err) == (0, "")
    assert np.abs(np.load(tmp_path / "f.npy") - render_reference(load_scene(scene_file), camera).numpy()).max() < 1e-5


@pytest.mark.parametrize(("backend", "said"), [("model", True), ("reference", False)])
def test_clipped_colours_are_said(tessera: Tessera, tmp_path: Path, seed: int, backend: str, said: bool) -> None:
    cloud = random_cloud(seed, 50, 0)
    cloud.sh[:7, 0] = 6.0  # a colour of 2.19; codes end at 2
    (tmp_path / "bright.ply").write_bytes(ply_bytes({"vertex": plain_columns(cloud)}))
    outcome = tessera(
        "render", tmp_path / "bright.ply", "--backend", backend, "--size", "16x16", "--out", tmp_path / "f.png"
    )
    assert outcome.status == 0
    notice = "bright.ply: 7 Gaussians have colours beyond the formats and are drawn clipped"
    assert (notice in " ".join(outcome.out.split())) == said


def test_what_a_file_says_and_is_not_drawn_is_said(tessera: Tessera, tmp_path: Path, seed: int) -> None:
    (tmp_path / "deep.ply").write_bytes(ply_bytes({"vertex": plain_columns(random_cloud(seed, 5, 4))}))
    outcome = tessera(
        "render", tmp_path / "deep.ply", "--backend", "reference", "--size", "16x16", "--out", tmp_path / "f.png"
    )
    assert (outcome.status, outcome.err) == (0, "")
    notice = "deep.ply: spherical harmonics of degree 4: the bands above degree 3 are left out"
    assert notice in " ".join(outcome.out.split())


def test_the_default_camera_is_view_1_of_3(tessera: Tessera, scene_file: Path, tmp_path: Path) -> None:
    """Without --camera, --orbit and --size: 256×256 pixels from the second of three places."""
    tessera("render", scene_file, "--backend", "model", "--out", tmp_path / "f.png", "--report", tmp_path / "r.json")
    place = json.loads((tmp_path / "r.json").read_text())["workload"]["camera"]
    assert place == orbit(load_scene(scene_file), 1, 3, width=256, height=256).to_json()


def test_a_setting_changes_the_result(tessera: Tessera, scene_file: Path, tmp_path: Path) -> None:
    """--set reaches the model: a coarser colour is another picture, and another hash."""
    hashes, pictures = set(), []
    for changes in ((), ("--set", "color_fraction=6", "--set", "sh_degree=0")):
        command = ("render", scene_file, "--backend", "model", "--size", "32x32", *changes)
        assert tessera(*command, "--out", tmp_path / "f.png", "--report", tmp_path / "r.json").status == 0
        hashes.add(json.loads((tmp_path / "r.json").read_text())["config_hash"])
        pictures.append(np.array(Image.open(tmp_path / "f.png")))
    assert len(hashes) == 2
    assert (pictures[0] != pictures[1]).any()


def test_what_does_not_fit_is_said(tessera: Tessera, tmp_path: Path, seed: int) -> None:
    cloud = random_cloud(seed, 50, 0)
    cloud.log_scales[0] = 20.0
    (tmp_path / "giant.ply").write_bytes(ply_bytes({"vertex": plain_columns(cloud)}))
    outcome = tessera(
        "render", tmp_path / "giant.ply", "--backend", "model", "--size", "16x16", "--out", tmp_path / "f.png"
    )
    assert outcome.status == 0
    assert "giant.ply: 1 Gaussians are wider than 4096 voxels of" in outcome.out


def test_a_map_at_coordinates_of_millions(tessera: Tessera, tmp_path: Path, seed: int) -> None:
    """By model and reference, from a file of doubles."""
    cloud = random_cloud(seed, 300, 1)
    columns = plain_columns(cloud) | {axis: 5e6 + cloud.means[:, k] for k, axis in enumerate("xyz")}
    (tmp_path / "map.ply").write_bytes(ply_bytes({"vertex": columns}))
    (tmp_path / "near.ply").write_bytes(ply_bytes({"vertex": plain_columns(cloud)}))
    arrays: list[np.ndarray] = []
    for file, backend in (("near", "reference"), ("map", "reference"), ("map", "model")):
        outcome = tessera(
            "render", tmp_path / f"{file}.ply", "--backend", backend, "--size", "40x32",
            "--out", tmp_path / "f.png", "--array", tmp_path / "f.npy",
        )  # fmt: skip
        assert (outcome.status, outcome.err) == (0, "")
        arrays.append(np.load(tmp_path / "f.npy"))
    assert psnr(arrays[1], arrays[0]) > 60
    assert psnr(arrays[2], arrays[0]) > 45


@pytest.mark.parametrize(
    ("changes", "warned"), [((), False), (("--set", "sort_levels=3", "--set", "sort_banks=1"), True)]
)
def test_an_overflow_that_slabs_cannot_part_is_a_warning(
    tessera: Tessera, tmp_path: Path, seed: int, changes: tuple[str, ...], warned: bool
) -> None:
    """Twenty Gaussians at one depth in one group, and a sort of seven: thirteen leave early, and that is said."""
    cloud = random_cloud(seed, 20, 0)
    cloud.means[:] = cloud.means / np.abs(cloud.means).max() * [0.1, 0.1, 0]
    (tmp_path / "plane.ply").write_bytes(ply_bytes({"vertex": plain_columns(cloud)}))
    camera = {"width": 64, "height": 64, "fx": 64, "fy": 64, "cx": 32, "cy": 32}
    pose = np.eye(4)
    pose[2, 3] = 3
    (tmp_path / "camera.json").write_text(json.dumps({**camera, "world_to_camera": pose.tolist()}))
    outcome = tessera(
        "render", tmp_path / "plane.ply", "--camera", tmp_path / "camera.json", "--backend", "model", *changes,
        "--out", tmp_path / "f.png",
    )  # fmt: skip
    assert outcome.status == 0
    said = "plane.ply: 13 of 20 splats (65.0%) left the depth sort early, because more than 7 of one depth"
    assert (said in " ".join(outcome.err.split())) == warned
    assert bool(outcome.err) == warned


@pytest.mark.parametrize(("lists", "said"), [("engine", True), ("host", False)])
def test_who_orders_the_voxels_is_said_where_the_engine_cannot(
    tessera: Tessera, tmp_path: Path, lists: str, said: bool
) -> None:
    """More voxels are in view than the engine holds."""
    outcome = tessera(
        "render", "embedded", "--config", "tiny", "--backend", "model", "--size", "16x16", "--lists", lists,
        "--set", "order_voxels=256", "--out", tmp_path / "f.png",
    )  # fmt: skip
    assert (outcome.status, outcome.err) == (0, "")
    notice = "embedded: the host orders the voxels: order_voxels must be at least the 633 voxels in view, it is 256"
    assert (notice in " ".join(outcome.out.split())) == said
