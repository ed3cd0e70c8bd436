"""Gaussians further off the image than a splat's centre can lie."""

from __future__ import annotations

import numpy as np

from golden.splat.frame import Frame
from golden.splat.scene_image import SceneImage, radius_value
from golden.splat.spec import CAMERA_FRACTION, Spec


def count_far_off(image: SceneImage, frame: Frame, spec: Spec) -> int:
    """How many Gaussians behind the near plane have a centre beyond mean_format and a support that may reach back.

    Their centres are taken to lie at the format's end. All others that far off do not reach the image.
    """
    limit = spec.mean_format.high * spec.mean_format.step
    focal = np.array([frame.camera.fx, frame.camera.fy])
    stretch = np.array([frame.stretch_x, frame.stretch_y]) / 128
    reach = radius_value(image.radius)[:, None] * stretch * focal  # pixels at a depth of one voxel edge
    near = frame.near * 2.0**-CAMERA_FRACTION
    if reach.max() < limit * near:
        return 0
    rotation = frame.rotation * spec.rotation_format.step
    point = (image.grid.position - frame.position * 2.0**-CAMERA_FRACTION) @ rotation.T
    room = limit * point[:, 2:]
    beyond = (np.abs(point[:, :2]) * focal > room) & (reach > room)
    return int((beyond.any(axis=1) & (point[:, 2] > near)).sum())
