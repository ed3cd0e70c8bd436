from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from jsonschema import Draft202012Validator
from PIL import Image

from golden.chips.lumina.model import LuminaResult, render
from golden.chips.lumina.spec import chosen
from golden.scenes import load_scene, orbit_path
from golden.splat.frame import build_frame
from golden.splat.scene_image import build_scene_image
from hw.splat.config import tiny
from sim.chips.lumina import CachedSequence, choose_rules
from sim.kernel.report_schema import schema
from sim.kernel.run import Backend
from sim.splat.workload import prepare
from tests.sim.conftest import Tessera


def test_a_sequence_is_drawn_with_the_caches_of_the_frame_before(
    tessera: Tessera, scene_file: Path, tmp_path: Path
) -> None:
    """Pictures and figures are those of the model called frame after frame, with the rules that were asked for."""
    outcome = tessera(
        "render", scene_file, "--config", "tiny", "--backend", "model", "--size", "40x32", "--path", "orbit:3:0.5deg",
        "--orbit", "0/1", "--radiance", "--radiance-set", "near=4", "--radiance-set", "record_length=3",
        "--out", tmp_path / "f.png", "--video", tmp_path / "v.gif", "--report", tmp_path / "r.json",
    )  # fmt: skip
    assert (outcome.status, outcome.err) == (0, "")
    assert "hit rate" in outcome.out
    report = json.loads((tmp_path / "r.json").read_text())
    Draft202012Validator(schema()).validate(report)
    scene, spec = load_scene(scene_file), tiny().spec
    rules = choose_rules(spec, ["near=4", "record_length=3"])
    assert (rules.near, rules.radiance.record_length, rules.value) == (4, 3, chosen(spec).value)
    image = build_scene_image(scene, spec)
    before: LuminaResult | None = None
    for number, camera in enumerate(orbit_path(scene, [0, np.radians(0.5), np.radians(1)], width=40, height=32)):
        result = render(image, build_frame(image, camera, spec), rules, before.caches if before else None, number)
        picture = np.asarray(Image.open(tmp_path / f"f-{number:04d}.png"))
        assert np.array_equal(picture, result.image[..., :3].numpy())
        quality = report["frames"][number]["quality"]
        assert quality["hit_rate"] == pytest.approx(result.saving.hits / result.saving.asked)
        assert quality["false_hits"] == result.saving.false_hits
        assert (quality["hit_rate"] > 0.05) == (number > 0)
        before = result
    assert report["quality"]["blends_saved"] > 0.01


def test_what_no_frame_asks_has_no_share(scene_file: Path) -> None:
    """Records longer than the pixels' lists: nothing asks, nothing is saved, nothing is lost."""
    scene = load_scene(scene_file)
    scene = scene.select(np.arange(len(scene)) < 12)
    (camera,) = orbit_path(scene, [0.0], width=16, height=16)
    draw = CachedSequence(choose_rules(tiny().spec, ["record_length=15"]), tiny(), Backend.MODEL)
    quality = draw(prepare(scene, camera, tiny())).quality
    assert (quality["asked"], quality["hit_rate"], quality["cached_psnr_db"]) == (0, 0, 99)


@pytest.mark.slow
def test_rtl_draws_a_sequence(tessera: Tessera, scene_file: Path, tmp_path: Path) -> None:
    """Every pixel and every saved cache of every frame, with pauses and lane groups that are ahead of each other."""
    outcome = tessera(
        "render", scene_file, "--config", "tiny", "--set", "lane_groups=2", "--size", "40x27",
        "--path", "orbit:3:0.5deg", "--radiance", "--radiance-set", "value=colour", "--radiance-set", "record_length=3",
        "--radiance-set", "sets=16", "--stalls", "64", "--check", "--report", tmp_path / "r.json",
    )  # fmt: skip
    assert (outcome.status, outcome.err) == (0, "")
    report = json.loads((tmp_path / "r.json").read_text())
    Draft202012Validator(schema()).validate(report)
    frames = report["frames"]
    assert all(frame["quality"]["rtl_equals_model"] for frame in frames)
    hits = [frame["counters"]["hits"] for frame in frames]
    assert hits[0] == 0
    assert min(hits[1:]) > 50
    assert [frame["counters"]["refused"] for frame in frames] == [0, 0, 0]
    assert frames[1]["counters"]["regions"] == 6
    assert frames[1]["counters"]["tiles_ended"] > 0
