"""The published rasteriser as a loop over pixels and Gaussians in double precision."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from golden.scenes import Camera, Scene
from golden.splat.ewa import Rules
from tests.golden.spherical import real_harmonics

Array = npt.NDArray[np.float64]
TILE = 16
SLACK = 1e-5  # a decision nearer to its threshold than this may fall either way in float32


@dataclass(frozen=True, kw_only=True)
class Flat:
    """One Gaussian on the image."""

    depth: float
    mean: Array
    covariance: Array
    radius: Array
    opacity: float
    color: Array


def _rotate(quaternion: Array, vector: Array) -> Array:
    """q · v · q*, without a matrix."""
    w, axis = quaternion[0], quaternion[1:]
    twice = 2 * np.cross(axis, vector)
    return vector + w * twice + np.cross(axis, twice)


def flatten(scene: Scene, camera: Camera, rules: Rules, n: int) -> Flat | None:
    """Projects Gaussian `n`; None where it is not drawn."""
    rotation, shift = camera.world_to_camera[:3, :3], camera.world_to_camera[:3, 3]
    mean = scene.means[n].astype(np.float64)
    x, y, z = rotation @ mean + shift
    if z <= rules.near:
        return None
    quaternion = scene.quaternions[n].astype(np.float64)
    axes = [
        s * (rotation @ _rotate(quaternion, e)) for s, e in zip(scene.scales[n].astype(float), np.eye(3), strict=True)
    ]
    beyond_x, beyond_y = 0.15 * camera.width, 0.15 * camera.height
    tx = np.clip(x / z, (-beyond_x - camera.cx) / camera.fx, (camera.width + beyond_x - camera.cx) / camera.fx)
    ty = np.clip(y / z, (-beyond_y - camera.cy) / camera.fy, (camera.height + beyond_y - camera.cy) / camera.fy)
    flat = [np.array([camera.fx * (a[0] - tx * a[2]) / z, camera.fy * (a[1] - ty * a[2]) / z]) for a in axes]
    sharp = sum((np.outer(f, f) for f in flat), np.zeros((2, 2)))
    covariance = sharp + 0.3 * np.eye(2)
    kept_light = math.sqrt(max(0.0, np.linalg.det(sharp) / np.linalg.det(covariance))) if scene.mip else 1.0
    if rules.square:
        half = np.trace(covariance) / 2
        largest = half + math.sqrt(max(0.1, half * half - np.linalg.det(covariance)))
        radius = np.full(2, math.ceil(rules.radius_sigmas * math.sqrt(largest)))
    else:
        radius = np.ceil(rules.radius_sigmas * np.sqrt(np.diag(covariance)))
    direction = mean - camera.position
    harmonics = real_harmonics(direction[None] / np.linalg.norm(direction), scene.sh_degree)[0]
    return Flat(
        depth=z,
        mean=np.array([camera.fx * x / z + camera.cx, camera.fy * y / z + camera.cy]),
        covariance=covariance,
        radius=radius,
        opacity=kept_light * float(scene.opacities[n]),
        color=np.maximum(0, 0.5 + harmonics @ scene.sh[n].astype(np.float64)),
    )


def _touches_tile(g: Flat, pixel: Array) -> bool:
    tile = np.floor(pixel / TILE)
    low, high = np.floor((g.mean - g.radius) / TILE), np.floor((g.mean + g.radius + TILE - 1) / TILE)
    return bool(((low <= tile) & (tile < high)).all())


def render(scene: Scene, camera: Camera, rules: Rules, background: float) -> tuple[Array, npt.NDArray[np.bool_]]:
    """The image, and the pixels where no threshold was met within `SLACK`."""
    flats = [f for n in range(len(scene)) if (f := flatten(scene, camera, rules, n)) is not None]
    flats.sort(key=lambda f: f.depth)
    image = np.zeros((camera.height, camera.width, 3))
    sure = np.ones((camera.height, camera.width), bool)
    for v in range(camera.height):
        for u in range(camera.width):
            light = 1.0
            for g in flats:
                pixel = np.array([u + 0.5, v + 0.5])
                if not _touches_tile(g, pixel):
                    continue
                offset = pixel - g.mean
                alpha = g.opacity * math.exp(-0.5 * offset @ np.linalg.solve(g.covariance, offset))
                alpha = min(rules.max_alpha, alpha)
                sure[v, u] &= abs(alpha - 1 / 255) > SLACK
                if alpha < 1 / 255:
                    continue
                sure[v, u] &= abs(light * (1 - alpha) - 1e-4) > SLACK * 1e-2
                if light * (1 - alpha) < 1e-4:
                    break
                image[v, u] += light * alpha * g.color
                light *= 1 - alpha
            image[v, u] += light * background
    return image, sure
