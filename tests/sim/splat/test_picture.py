"""Pictures over a background, and with coverage as alpha."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from golden.scenes import Scene, load_scene, orbit
from golden.splat.reference import render
from hw.splat.config import default
from sim.kernel.files import to_bytes
from sim.kernel.quality import psnr
from sim.kernel.run import Backend
from sim.splat.picture import BLACK, over, straight, too_bright
from sim.splat.run import layers, run
from sim.splat.suite import CheckedFrame
from sim.splat.workload import SplatWorkload, prepare
from tests.sim.conftest import Tessera

BACKGROUND = (0.2, 0.7, 1.0)


@pytest.fixture
def scene(scene_file: Path) -> Scene:
    return load_scene(scene_file)


@pytest.fixture
def workload(scene: Scene) -> SplatWorkload:
    return prepare(scene, orbit(scene, 1, 3, width=40, height=32), default())


def premultiplied(picture: np.ndarray) -> np.ndarray:
    return np.concatenate([picture[..., :3] * picture[..., 3:], picture[..., 3:]], axis=-1)


def random_layers(seed: int) -> np.ndarray:
    """Colour of at most coverage, as of colours up to 1."""
    rng = np.random.default_rng(seed)
    coverage = np.concatenate([[0, 1, 1 / 255], rng.uniform(0, 1, 4093)])[:, None]
    return np.concatenate([coverage * rng.uniform(0, 1, (4096, 3)), coverage], axis=1).astype(np.float32)


def test_over_black_the_bytes_stay_as_they_are(workload: SplatWorkload) -> None:
    drawn = run(workload, backend=Backend.MODEL)
    picture = over(layers(drawn))
    assert (to_bytes(picture) == drawn.results["framebuffer"][..., :3]).all()
    assert picture.dtype == np.float32


def test_the_rounding_of_colour_and_of_coverage_adds_up(seed: int) -> None:
    """Half a step of colour, and half a step times the background of coverage; both are reached."""
    exact = random_layers(seed)
    error = np.abs(over(to_bytes(exact) / np.float32(255), BACKGROUND) - over(exact, BACKGROUND)).max(axis=0) * 255
    bound = 0.5 + 0.5 * np.array(BACKGROUND)
    assert (error <= bound + 1e-3).all()
    assert (error > 0.9 * bound).all()


@pytest.mark.parametrize("background", [BLACK, BACKGROUND, (1.0, 1.0, 1.0)])
def test_model_and_reference_lie_over_the_same_background(
    workload: SplatWorkload, scene: Scene, background: tuple[float, float, float]
) -> None:
    reference = over(layers(run(workload, backend=Backend.REFERENCE)), background)
    for channel in range(3):
        whole = render(scene, workload.camera, background=background[channel]).numpy()
        assert np.abs(whole[..., channel] - reference[..., channel]).max() < 1e-6
    frame = CheckedFrame(
        name="small", run=run(workload, backend=Backend.MODEL), reference=reference, background=background
    )
    report = frame.report()
    assert report["workload"]["background"] == list(background)
    assert report["quality"]["psnr_db"] == psnr(over(layers(frame.run), background), reference) > 40
    assert psnr(frame.pixels / 255, reference) > 40


def test_straight_colour_times_alpha_is_what_was_drawn(seed: int) -> None:
    drawn = random_layers(seed)
    picture = straight(drawn)
    assert np.abs(premultiplied(picture) - drawn).max() < 1e-6
    assert too_bright(drawn) == 0
    assert picture[0].tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("backend", ["model", "reference"])
def test_a_picture_with_alpha_lies_over_any_background(
    tessera: Tessera, scene_file: Path, tmp_path: Path, backend: str
) -> None:
    """A program that lays the PNG over a colour gets what --background draws, to the rounding of its bytes."""
    command = ("render", scene_file, "--size", "40x32", "--backend", backend)
    files = [tmp_path / name for name in ("alpha.png", "alpha.npy", "over.png", "alpha.json", "over.json")]
    outcome = tessera(*command, "--alpha", "--out", files[0], "--array", files[1], "--report", files[3])
    assert (outcome.status, outcome.err) == (0, "")
    assert tessera(*command, "--background", "#33b2ff", "--out", files[2], "--report", files[4]).status == 0
    image = Image.open(files[0])
    assert image.mode == "RGBA"
    array = np.load(files[1])
    assert array.shape == (32, 40, 4)
    assert np.abs(np.asarray(image) / 255 - np.clip(array, 0, 1)).max() <= 0.5 / 255 + 1e-6
    behind = Image.new("RGBA", image.size, (0x33, 0xB2, 0xFF, 255))
    composed = np.asarray(Image.alpha_composite(behind, image))[..., :3].astype(int)
    assert np.asarray(image)[..., 3].std() > 0
    bright = (array[..., :3] > 1).any(axis=-1)
    assert bright.mean() < 0.2
    assert np.abs(composed - np.asarray(Image.open(files[2])))[~bright].max() <= 2
    assert "alpha.png: " in outcome.out.replace("\n", "")
    assert f"{too_bright(premultiplied(array))} pixels are brighter than straight alpha can say" in outcome.out
    backgrounds = [json.loads(file.read_text())["workload"]["background"] for file in files[3:]]
    assert backgrounds == [None, [0x33 / 255, 0xB2 / 255, 1.0]]


@pytest.mark.parametrize("color", ["1,1,1", "white", "#fff", "#FFFFFF", " 1.0, 1 ,1e0", "rgb(255,255,255)"])
def test_colours_have_many_names(tessera: Tessera, tmp_path: Path, scene_file: Path, color: str) -> None:
    files = tmp_path / "f.png", tmp_path / "f.npy"
    line = ("render", scene_file, "--size", "40x32", "--backend", "reference", "--out", files[0], "--array", files[1])
    assert tessera(*line, "--background", color).status == 0
    scene = load_scene(scene_file)
    expected = render(scene, orbit(scene, 1, 3, width=40, height=32), background=1.0).numpy()
    assert np.abs(np.load(files[1]) - expected).max() < 1e-6


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--background 255,255,255", "--background: R, G and B must lie in 0..1, got '255,255,255'"),
        ("--background -0.1,0,0", "must lie in 0..1"),
        ("--background nan,0,0", "--background takes three numbers R,G,B of 0 to 1, got 'nan,0,0'"),
        (
            "--background 0.5,0.5",
            "--background takes R,G,B of 0 to 1, a name such as 'white', or #RRGGBB, got '0.5,0.5'",
        ),
        ("--background nosuch", "a name such as 'white', or #RRGGBB, got 'nosuch'"),
        ("--background #11223344", "--background must be opaque, got '#11223344'"),
        ("--background white --alpha", "--alpha leaves the background open: leave out --background"),
    ],
)
def test_what_is_refused(tessera: Tessera, tmp_path: Path, scene_file: Path, options: str, message: str) -> None:
    outcome = tessera(
        "render", scene_file, "--size", "16x16", "--backend", "model", *options.split(), "--out", tmp_path / "f.png"
    )
    assert outcome.status == 2
    assert len(outcome.err.splitlines()) == 1
    assert message in outcome.err
    assert not (tmp_path / "f.png").exists()
