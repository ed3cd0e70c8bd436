"""A camera and a threshold as the engine sees them, and paths of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from golden.errors import InputError
from golden.lod.frustum import EVERYWHERE, quantise_planes
from golden.lod.hierarchy import Ints
from golden.lod.spec import CAMERA_BITS, NEVER, SLACK_BITS
from golden.lod.threshold import MAX_TAU, MIN_TAU, factor_of, focal_length
from golden.lod.tree_image import TreeImage
from golden.scenes import Camera


@dataclass(frozen=True, kw_only=True)
class View:
    """One search. (focal/tau)² <= factor · 2**power, factor in [2**16, 2**17)."""

    camera: Ints  # [3] grid cells
    factor: int
    power: int
    travelled: int  # odometer
    clamped: bool  # the camera was outside the grid's cube and moved to its border
    planes: Ints = field(default_factory=EVERYWHERE.copy)  # [4, 3] sides of the frustum, see `frustum.py`

    def exponent(self, size_bits: int) -> int:
        """The power as the size check takes it: with the mantissas' places folded in."""
        return self.power + 2 * size_bits - 32


def make_path(
    image: TreeImage, cameras: Sequence[Camera], tau: float | Sequence[float], *, frustum: bool = False
) -> list[View]:
    """The views of a path, their odometer counting the way between quantised cameras, rounded up.

    A change of focal length or threshold can change any decision, so it moves the odometer beyond
    every deadline.

    Args:
        frustum: leave out what lies outside the picture. A camera that was moved sees everything.

    Raises:
        InputError: a threshold out of range, or the odometer is full.
    """
    taus = [float(tau)] * len(cameras) if isinstance(tau, (int, float)) else [float(t) for t in tau]
    views: list[View] = []
    for camera, threshold in zip(cameras, taus, strict=True):
        if not MIN_TAU <= threshold <= MAX_TAU:
            raise InputError(f"lod: tau must lie in {MIN_TAU:g}..{MAX_TAU:g} px, it is {threshold:g}")
        focal = focal_length(camera)
        if threshold > (highest := image.highest_tau(focal)):
            raise InputError(
                f"lod: with infinite sizes or wide nodes, tau must be at most {highest:g} px at a focal length "
                f"of {focal:g} px, it is {threshold:g}"
            )
        factor, power = factor_of(focal, threshold)
        cells = np.round((camera.position - image.corner) / image.cell)
        reach = (1 << (CAMERA_BITS - 1)) - 1
        place = np.clip(cells, -reach, reach).astype(np.int64)
        travelled = 0
        if views:
            last = views[-1]
            way = int(((place - last.camera) ** 2).sum())
            travelled = last.travelled + math.isqrt(way) + (math.isqrt(way) ** 2 < way)
            if (factor, power) != (last.factor, last.power):
                travelled += 1 << SLACK_BITS
        if travelled >= NEVER:
            raise InputError(f"lod: a path's way must stay below {NEVER} cells, it is {travelled}: begin a new path")
        clamped = bool((np.abs(cells) > reach).any())
        planes = quantise_planes(camera) if frustum and not clamped else EVERYWHERE
        views.append(
            View(camera=place, factor=factor, power=power, travelled=travelled, clamped=clamped, planes=planes)
        )
    return views
