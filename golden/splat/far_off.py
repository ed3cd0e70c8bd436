"""Gaussians further off the image than a splat's centre can lie."""

from __future__ import annotations

import numpy as np

from golden.splat.frame import Frame
from golden.splat.scene_image import SceneImage, radius_value
from golden.splat.spec import CAMERA_FRACTION, Spec


def count_far_off(image: SceneImage, frame: Frame, spec: Spec) -> int:
    """How many Gaussians behind the near plane have a centre beyond mean_format and a support that may reach back.

    Their centres are drawn at the format's end. All others that far off do not reach the image.
    """
    limit = spec.mean_format.high * spec.mean_format.step
    focal = np.array([frame.camera.fx, frame.camera.fy])
    reach = radius_value(image.radius)[:, None] * np.array([frame.stretch_x, frame.stretch_y]) / 128 * focal
    near = frame.near * 2.0**-CAMERA_FRACTION
    if reach.max() / near < limit:
        return 0
    rotation = frame.rotation * spec.rotation_format.step
    point = (image.grid.position - frame.position * 2.0**-CAMERA_FRACTION) @ rotation.T
    depth = np.maximum(point[:, 2:], near)
    beyond = (np.abs(point[:, :2]) * focal > limit * depth) & (reach > limit * depth)
    return int((beyond.any(axis=1) & (point[:, 2] > near)).sum())
