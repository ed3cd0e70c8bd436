from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from golden.scenes import load_scene, orbit_path
from golden.scenes.motion import predict
from golden.splat.frame import build_frame
from golden.splat.model import render
from golden.splat.scene_image import build_scene_image
from golden.splat.shared_order import render_shared, sort_squares
from hw.splat.config import tiny
from tests.sim.conftest import Tessera

LINE = ("--config", "tiny", "--backend", "model", "--size", "40x32", "--path")


def test_a_window_is_drawn_from_the_lists_of_its_middle(tessera: Tessera, scene_file: Path, tmp_path: Path) -> None:
    """Two frames sort themselves, then every second one sorts for two, at the pose that the two before promise."""
    outcome = tessera(
        "render", scene_file, *LINE, "orbit:6:1.5deg", "--orbit", "0/1", "--sort-window", 2, "--sort-margin", 5,
        "--sort-fastest", 2,
        "--array", tmp_path / "a.npy", "--report", tmp_path / "r.json",
    )  # fmt: skip
    assert (outcome.status, outcome.err) == (0, "")
    frames = [frame["quality"] for frame in json.loads((tmp_path / "r.json").read_text())["frames"]]
    assert [frame["sorted"] for frame in frames] == [1, 1, 0, 0, 0, 0]
    scene, spec = load_scene(scene_file), tiny().spec
    image = build_scene_image(scene, spec)
    cameras = orbit_path(scene, [np.radians(1.5) * k for k in range(6)], width=40, height=32)
    drawn = np.load(tmp_path / "a.npy")
    order = None
    for number, camera in enumerate(cameras):
        frame = build_frame(image, camera, spec)
        wanted = render(image, frame, spec)
        if number >= 2:
            if number % 2 == 0:
                middle = predict(cameras[number - 2], cameras[number - 1], 1.5)
                order = sort_squares(image, build_frame(image, middle, spec), spec, 5)
            assert order
            wanted = render_shared(image, frame, order, spec)
            assert frames[number]["listed"] == order.entries
        assert np.array_equal(drawn[number], wanted.image[..., :3].numpy().astype(np.float32) / 255)


@pytest.mark.parametrize(("fastest", "sorted_"), [("1.4", 1), ("1.6", 0)])
def test_a_camera_that_turns_fast_has_every_frame_sorted(
    tessera: Tessera, scene_file: Path, fastest: str, sorted_: int
) -> None:
    """Above the limit no window begins; an orbit turns by its step about an axis that is tilted against the view."""
    outcome = tessera(
        "render", scene_file, *LINE, "orbit:4:1.5deg", "--sort-window", 6, "--sort-fastest", fastest, "--json"
    )
    assert outcome.status == 0, outcome.err
    frames = [frame["quality"]["sorted"] for frame in json.loads(outcome.out)["frames"]]
    assert frames == [1, 1, sorted_, sorted_]
