"""Gaussians whose centre a splat cannot hold are counted where they may be seen, and only there."""

from __future__ import annotations

import numpy as np

from golden.splat.far_off import count_far_off
from golden.splat.spec import DEFAULT
from tests.golden.splat.scenes import camera_at, scene_of
from tests.golden.splat.views import made, view


def test_what_may_reach_back_is_counted() -> None:
    """Beside the camera at 400,000 pixels: large, small, behind the near plane; and as large 200,000 pixels off."""
    means = np.array([[100, 0, 0.25], [0, -100, 0.25], [100, 0, 0.25], [100, 0, 0.1], [50, 0, 0.25]])
    scales = np.array([40, 40, 1, 40, 40.0])[:, None] * np.ones(3)
    v = made(scene_of(means, scales), camera_at((0, 0, 0), focal=1000.0), DEFAULT)
    assert count_far_off(v.image, v.frame, DEFAULT) == 2


def test_usual_views_have_none() -> None:
    v = view(DEFAULT)
    assert count_far_off(v.image, v.frame, DEFAULT) == 0
