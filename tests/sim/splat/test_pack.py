"""`tessera pack`: the file draws what its scene draws with codebooks; what cannot be is one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from golden.scenes import load_scene
from tests.sim.conftest import Tessera

BOOKED = ("--config", "tiny", "--set", "codebooks=1", "--backend", "model", "--size", "24x16")


def test_the_file_draws_what_its_scene_draws(tessera: Tessera, scene_file: Path, tmp_path: Path) -> None:
    """To the bit: by the books that are in the file, and by those that are made of the scene."""
    packed = tmp_path / "scene.tsr"
    outcome = tessera("pack", scene_file, "--out", packed, "--config", "tiny")
    assert (outcome.status, outcome.err) == (0, "")
    assert "256 + 256 + 256 + 64 entries of scale, rotation, colour and harmonics" in outcome.out
    books = load_scene(packed).books
    assert books
    assert books.sizes == (256, 256, 256, 64)
    pictures: list[np.ndarray] = []
    for source in (scene_file, packed):
        array = tmp_path / f"{source.suffix[1:]}.npy"
        drawn = tessera("render", source, *BOOKED, "--out", tmp_path / "p.png", "--array", array)
        assert (drawn.status, drawn.err) == (0, "")
        pictures.append(np.load(array))
    assert pictures[0].any()
    assert (pictures[0] == pictures[1]).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--out", "scene.ply"), "--out must end in .tsr, it is scene.ply"),
        (("--out", "s.tsr", "--iterations", "-1"), "--iterations must lie in 0..1000, it is -1"),
        (("--out", "s.tsr", "--seed", "-1"), "--seed must be at least 0, it is -1"),
        (("--out", "s.tsr", "--set", "dc_entries=100"), "splat: dc_entries must be a power of two, it is 100"),
        (("--out", "/proc/nothing/s.tsr"), "/proc/nothing/s.tsr: cannot be written"),
    ],
)
def test_what_it_refuses(tessera: Tessera, scene_file: Path, options: tuple[str, ...], message: str) -> None:
    outcome = tessera("pack", scene_file, *options)
    assert outcome.status == 2
    assert message in outcome.err
    assert outcome.err.count("\n") == 1


def test_books_too_large_for_the_config(tessera: Tessera, scene_file: Path, tmp_path: Path) -> None:
    packed = tmp_path / "scene.tsr"
    assert tessera("pack", scene_file, "--out", packed, "--config", "tiny", "--iterations", "0").status == 0
    outcome = tessera("render", packed, *BOOKED, "--set", "sh_entries=32", "--out", tmp_path / "p.png")
    assert outcome.status == 2
    assert "splat: sh_entries must be at least the 64 of scene.tsr's codebook, it is 32" in outcome.err
    assert not (tmp_path / "p.png").exists()
