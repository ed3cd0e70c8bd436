from __future__ import annotations

import math

import numpy as np
import pytest

from golden.scenes.camera import Camera, look_at
from golden.scenes.motion import predict, turn

DOWN = np.array([0.0, 1.0, 0.0])


def at(angle: float, height: float = 0.0) -> Camera:
    """On the unit circle, looking at its centre."""
    eye = np.array([math.sin(angle), height, -math.cos(angle)])
    return look_at(eye, np.array([0.0, height, 0.0]), DOWN, width=16, height=12, fov=0.8)


@pytest.mark.parametrize("step", [0.0, 1e-9, 0.01, 0.3, -0.2])
@pytest.mark.parametrize("frames", [0.5, 1.0, 3.5])
def test_what_turns_turns_on_and_what_moves_goes_straight_on(step: float, frames: float) -> None:
    """The rotation is that of the orbit; the position lies on its tangent, or chord, and not on the circle."""
    before, now = at(0.4), at(0.4 + step)
    ahead = predict(before, now, frames)
    assert np.allclose(ahead.world_to_camera[:3, :3], at(0.4 + step * (1 + frames)).world_to_camera[:3, :3], atol=1e-9)
    assert np.allclose(ahead.position, now.position + frames * (now.position - before.position), atol=1e-12)
    assert (ahead.fx, ahead.width, ahead.height) == (now.fx, 16, 12)


def test_a_camera_that_stands_still_stays() -> None:
    """To the last bit of its rotation."""
    ahead = predict(at(0.7), at(0.7), 3.5)
    assert np.abs(ahead.world_to_camera - at(0.7).world_to_camera).max() < 1e-15


@pytest.mark.parametrize("angle", [0.0, 1e-6, 0.004, 1.0, 3.1])
def test_the_turn_is_the_angle(angle: float) -> None:
    """Of the rotation alone: moving without turning is none."""
    assert turn(at(0.2), at(0.2 + angle)) == pytest.approx(angle, abs=1e-12)
    assert turn(at(0.2), at(0.2, height=3.0)) == 0
