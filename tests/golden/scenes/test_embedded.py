"""The default scene is the same on every machine, and worth rendering."""

from __future__ import annotations

import hashlib

import numpy as np
import torch

from golden.scenes import Scene, load_scene, orbit
from golden.scenes.embedded import embedded_scene
from golden.splat.reference import render
from tests.golden.scenes.checks import assert_sound

ARRAYS = ("means", "scales", "quaternions", "opacities", "sh")
#: Of the values rounded to 1/4096, which hides the last bits of another machine's sine.
DIGEST = "b8f5000c833234a9d9f436574b85bf23b3d99361e0a4121a31f99aef1a391df8"


def digest(scene: Scene) -> str:
    codes = [np.round(getattr(scene, name) * 2.0**12).astype(np.int64) for name in ARRAYS]
    return hashlib.sha256(b"".join(c.tobytes() for c in codes)).hexdigest()


def test_same_bytes_twice() -> None:
    first, second = embedded_scene(), embedded_scene()
    for name in ARRAYS:
        assert getattr(first, name).tobytes() == getattr(second, name).tobytes()


def test_same_values_everywhere() -> None:
    assert digest(embedded_scene()) == DIGEST


def test_the_name_loads_it() -> None:
    scene = load_scene("embedded")
    assert scene.name == "embedded"
    assert digest(scene) == DIGEST


def test_contents() -> None:
    scene = embedded_scene()
    assert_sound(scene)
    assert len(scene) == 28_488  # its docstring says so
    assert scene.sh_degree == 2
    assert scene.dropped == 0
    assert (np.median(scene.scales.max(axis=1) / scene.scales.min(axis=1))) > 3
    assert np.abs(scene.sh[:, 1:4]).max(axis=(1, 2)).mean() > 0.05
    assert np.abs(scene.sh[:, 4:]).max(axis=(1, 2)).mean() > 0.005
    assert np.unique(np.round(scene.quaternions, 2), axis=0).shape[0] > 1000


def test_every_orbit_shows_it() -> None:
    """From all around it fills a good part of the picture, without burnt-out or missing colour."""
    scene = embedded_scene()
    for view in range(3):
        image = render(scene, orbit(scene, view, 3, width=96, height=96))
        lit = (image.sum(-1) > 0.15).float().mean()
        assert 0.35 < float(lit) < 0.9
        assert float((image > 1).any(-1).float().mean()) < 0.02
        assert float(image[image.sum(-1) > 0.15].std(0).min()) > 0.1
        assert not torch.isnan(image).any()
