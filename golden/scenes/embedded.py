"""The default scene, made by code: a trefoil knot laid in mosaic over a rosette floor.

Tesserae are the stones of a mosaic. Every stone here is one flat anisotropic Gaussian (a disc,
four to six times wider than thick) that lies in its surface; spherical harmonics of degree 2 give
the stones of the knot a glaze that changes with the point of view.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from golden.scenes.scene import SH_C0, Scene, make_scene

EMBEDDED_NAME = "embedded"
SEED = 20240607
KNOT_STONES = (360, 44)  # along the knot, around its tube
FLOOR_RINGS = 46
SPARKS = 900

Array = npt.NDArray[np.float64]


def embedded_scene() -> Scene:
    """Returns the same 29,000 Gaussians of SH degree 2 on every machine."""
    rng = np.random.default_rng(SEED)
    parts = [_knot(rng), _floor(rng), _sparks(rng)]
    mean, normal, tangent, scale, opacity, sh = (np.concatenate(p) for p in zip(*parts, strict=True))
    return make_scene(
        EMBEDDED_NAME,
        means=mean.astype(np.float32),
        log_scales=np.log(scale).astype(np.float32),
        quaternions=_frame_to_quaternion(tangent, normal).astype(np.float32),
        opacities=opacity.astype(np.float32),
        sh=sh.astype(np.float32),
    )


Part = tuple[Array, Array, Array, Array, Array, Array]  # mean, normal, tangent, scale, opacity, sh


def _unit(v: Array) -> Array:
    return v / np.linalg.norm(v, axis=-1, keepdims=True)


def _palette(t: Array) -> Array:
    """A cyclic palette from lapis through turquoise, gold and carmine: cosines of period 1."""
    phase = np.array([0.52, 0.22, 0.02])
    return 0.5 + 0.42 * np.cos(2 * np.pi * (t[:, None] + phase))


def _glaze(rgb: Array, normal: Array, strength: Array) -> Array:
    """SH of degree 2: constant colour, a highlight along the normal (degree 1), a cool rim (degree 2).

    Directions point from the camera to the Gaussian, so a stone that faces the camera has
    direction = -normal.
    """
    sh = np.zeros((len(rgb), 9, 3))
    sh[:, 0] = (rgb - 0.5) / SH_C0
    x, y, z = normal.T
    highlight = np.array([0.34, 0.31, 0.26]) * strength[:, None]
    for k, component in ((1, y), (2, -z), (3, x)):  # Y1 = (-y, z, -x) · 0.4886, at direction -normal
        sh[:, k] = component[:, None] * highlight
    rim = np.array([-0.05, 0.02, 0.10]) * strength[:, None]
    band2 = np.stack([x * y, -y * z, 0.5 * (3 * z * z - 1) / np.sqrt(3), -x * z, 0.5 * (x * x - y * y)], axis=1)
    sh[:, 4:9] = -band2[..., None] * rim[:, None]
    return sh


def _knot(rng: np.random.Generator) -> Part:
    """Stones on the tube around a trefoil knot, in staggered courses."""
    along, around = KNOT_STONES
    i, j = (a.ravel() for a in np.meshgrid(np.arange(along), np.arange(around), indexing="ij"))
    t = 2 * np.pi * (i + 0.5 * (j % 2)) / along
    angle = 2 * np.pi * j / around + 0.5 * t

    def curve(s: Array) -> Array:
        radius = 1.0 + 0.42 * np.cos(3 * s)
        return np.stack([radius * np.cos(2 * s), 0.5 * np.sin(3 * s), radius * np.sin(2 * s)], axis=1)

    step = 1e-4
    tangent = _unit(curve(t + step) - curve(t - step))
    side = _unit(np.cross(tangent, np.array([0.0, 1.0, 0.0])))
    up = np.cross(side, tangent)
    normal = np.cos(angle)[:, None] * side + np.sin(angle)[:, None] * up
    tube = 0.235 + 0.02 * np.sin(9 * t)
    mean = curve(t) + tube[:, None] * normal + np.array([0.0, -0.15, 0.0])

    course = np.floor(12 * i / along + 2 * j / around)
    rgb = _palette(t / (2 * np.pi) + 0.09 * np.sin(angle) + 0.03 * (course % 2))
    rgb = rgb * rng.normal(1, 0.09, (len(t), 1)) + rng.normal(0, 0.02, (len(t), 3))
    gold = ((j + i // 6) % 11 == 0)[:, None]
    rgb = np.where(gold, np.array([0.86, 0.68, 0.26]) * rng.normal(1, 0.08, (len(t), 1)), rgb)
    scale = np.stack([np.full(len(t), 0.0125), np.full(len(t), 0.0095), np.full(len(t), 0.0025)], axis=1)
    scale *= rng.uniform(0.85, 1.2, scale.shape)
    sh = _glaze(np.clip(rgb, 0.03, 0.97), normal, rng.uniform(0.6, 1.3, len(t)))
    return mean, normal, tangent, scale, rng.uniform(0.86, 0.99, len(t)), sh


def _floor(rng: np.random.Generator) -> Part:
    """Rings of stones around the vertical axis, coloured as a twelve-petalled rosette."""
    rings: list[tuple[Array, Array]] = []
    for ring in range(FLOOR_RINGS):
        radius = 0.06 + 0.042 * ring
        count = max(6, int(2 * np.pi * radius / 0.034))
        theta = 2 * np.pi * (np.arange(count) + 0.5 * (ring % 2)) / count
        rings.append((np.full(count, radius), theta))
    radius, theta = (np.concatenate(a) for a in zip(*rings, strict=True))
    n = len(radius)
    mean = np.stack([radius * np.cos(theta), np.full(n, 0.82), radius * np.sin(theta)], axis=1)
    mean[:, 1] += rng.normal(0, 0.003, n)
    tangent = np.stack([-np.sin(theta), np.zeros(n), np.cos(theta)], axis=1)
    normal = np.tile([0.0, -1.0, 0.0], (n, 1)) + rng.normal(0, 0.04, (n, 3))
    normal = _unit(normal - (normal * tangent).sum(1, keepdims=True) * tangent)

    petal = np.cos(12 * theta / 2 + 3.0 * radius) * np.cos(5.2 * radius)
    ivory, lapis, rust = np.array([0.83, 0.78, 0.66]), np.array([0.10, 0.22, 0.42]), np.array([0.58, 0.22, 0.14])
    rgb = np.where((petal > 0.28)[:, None], lapis, np.where((petal < -0.28)[:, None], rust, ivory))
    border = (radius > 1.70) & (radius < 1.82)
    rgb = np.where(border[:, None], np.array([0.80, 0.62, 0.24]), rgb)
    rgb = np.clip(rgb * rng.normal(1, 0.10, (n, 1)) + rng.normal(0, 0.015, (n, 3)), 0.02, 0.98)
    shadow = 1 - 0.55 * np.exp(-(((radius - 1.0) / 0.35) ** 2))
    scale = np.stack([np.full(n, 0.0135), np.full(n, 0.0155), np.full(n, 0.003)], axis=1)
    scale *= rng.uniform(0.85, 1.15, scale.shape)
    sh = _glaze(rgb * shadow[:, None], normal, rng.uniform(0.2, 0.5, n))
    return mean, normal, tangent, scale, rng.uniform(0.85, 0.99, n), sh


def _sparks(rng: np.random.Generator) -> Part:
    """Soft, faint motes of light above the knot."""
    theta, radius = rng.uniform(0, 2 * np.pi, SPARKS), rng.uniform(0.1, 1.7, SPARKS)
    mean = np.stack([radius * np.cos(theta), rng.uniform(-1.3, 0.5, SPARKS), radius * np.sin(theta)], axis=1)
    normal, other = _unit(rng.normal(size=(SPARKS, 3))), rng.normal(size=(SPARKS, 3))
    tangent = _unit(np.cross(normal, other))
    rgb = np.clip(_palette(theta / (2 * np.pi)) + 0.25, 0, 0.98)
    scale = 0.012 * np.exp(rng.normal(0, 0.5, (SPARKS, 3)))
    return mean, normal, tangent, scale, rng.uniform(0.05, 0.35, SPARKS), _glaze(rgb, normal, np.zeros(SPARKS))


def _frame_to_quaternion(tangent: Array, normal: Array) -> Array:
    """Unit quaternions (w, x, y, z) that turn the axes x, y, z into tangent, normal × tangent, normal."""
    m = np.stack([tangent, np.cross(normal, tangent), normal], axis=2)
    diagonal = np.stack([m[:, 0, 0], m[:, 1, 1], m[:, 2, 2]], axis=1)
    trace = diagonal.sum(axis=1)
    square = np.stack([1 + trace, *(1 + 2 * diagonal[:, k] - trace for k in range(3))], axis=1)
    q = np.sqrt(np.maximum(0, square)) / 2
    q[:, 1] = np.copysign(q[:, 1], m[:, 2, 1] - m[:, 1, 2])
    q[:, 2] = np.copysign(q[:, 2], m[:, 0, 2] - m[:, 2, 0])
    q[:, 3] = np.copysign(q[:, 3], m[:, 1, 0] - m[:, 0, 1])
    return _unit(q)
