"""The default scene, made by code: a trefoil knot laid in mosaic over a rosette floor.

Tesserae are the stones of a mosaic. Every stone here is one flat anisotropic Gaussian (a disc,
four to six times wider than thick) that lies in its surface; spherical harmonics of degree 2 give
the stones a glaze that changes with the point of view. A coat of mortar below the stones of the
knot closes their joints. From the rim of the floor, six strands of stones rise to a dome.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from golden.scenes.scene import SH_C0, Scene, make_scene

EMBEDDED_NAME = "embedded"
SEED = 20240607
KNOT_STONES = (360, 44)  # along the knot, around its tube
KNOT_MORTAR = (180, 20)
FLOOR_RINGS = 46
STRANDS = (6, 88)  # around the rim, stones in each

FLOOR_Y = 0.82
LAPIS, RUST = np.array([0.10, 0.22, 0.42]), np.array([0.58, 0.22, 0.14])
IVORY, GOLD = np.array([0.83, 0.78, 0.66]), np.array([0.80, 0.62, 0.24])

Array = npt.NDArray[np.float64]


def embedded_scene() -> Scene:
    """Returns the same 28,488 Gaussians of SH degree 2 on every machine."""
    rng = np.random.default_rng(SEED)
    parts = [_knot(rng), _mortar(), _floor(rng), _strands(rng)]
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


def _tube(along: int, around: int, inset: float) -> tuple[Array, Array, Array, Array, Array]:
    """Places on the tube around a trefoil knot, in staggered courses, `inset` below its surface.

    Returns the knot's parameter and the tube's angle, then mean, normal and tangent.
    """
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
    tube = 0.235 + 0.02 * np.sin(9 * t) - inset
    return t, angle, curve(t) + tube[:, None] * normal + np.array([0.0, -0.15, 0.0]), normal, tangent


def _knot(rng: np.random.Generator) -> Part:
    """The stones of the knot, in courses of colour with lines of gold."""
    along, around = KNOT_STONES
    t, angle, mean, normal, tangent = _tube(along, around, 0.0)
    i, j = np.divmod(np.arange(along * around), around)
    course = np.floor(12 * i / along + 2 * j / around)
    rgb = _palette(t / (2 * np.pi) + 0.09 * np.sin(angle) + 0.03 * (course % 2))
    rgb = rgb * rng.normal(1, 0.09, (len(t), 1)) + rng.normal(0, 0.02, (len(t), 3))
    gold = ((j + i // 6) % 11 == 0)[:, None]
    rgb = np.where(gold, np.array([0.86, 0.68, 0.26]) * rng.normal(1, 0.08, (len(t), 1)), rgb)
    scale = np.array([0.0145, 0.0110, 0.0025]) * rng.uniform(0.85, 1.2, (len(t), 3))
    sh = _glaze(np.clip(rgb, 0.03, 0.97), normal, rng.uniform(0.6, 1.3, len(t)))
    return mean, normal, tangent, scale, rng.uniform(0.86, 0.99, len(t)), sh


def _mortar() -> Part:
    """Wide dark discs below the stones of the knot."""
    t, angle, mean, normal, tangent = _tube(*KNOT_MORTAR, 0.014)
    rgb = 0.22 * _palette(t / (2 * np.pi) + 0.09 * np.sin(angle))
    scale = np.tile([0.036, 0.033, 0.003], (len(t), 1))
    return mean, normal, tangent, scale, np.full(len(t), 0.97), _glaze(rgb, normal, np.full(len(t), 0.25))


def _floor(rng: np.random.Generator) -> Part:
    """Rings of stones around the vertical axis."""
    rings: list[tuple[Array, Array]] = []
    for ring in range(FLOOR_RINGS):
        radius = 0.06 + 0.042 * ring
        count = max(6, int(2 * np.pi * radius / 0.034))
        theta = 2 * np.pi * (np.arange(count) + 0.5 * (ring % 2)) / count
        rings.append((np.full(count, radius), theta))
    radius, theta = (np.concatenate(a) for a in zip(*rings, strict=True))
    n = len(radius)
    mean = np.stack([radius * np.cos(theta), np.full(n, FLOOR_Y), radius * np.sin(theta)], axis=1)
    mean[:, 1] += rng.normal(0, 0.003, n)
    tangent = np.stack([-np.sin(theta), np.zeros(n), np.cos(theta)], axis=1)
    normal = np.tile([0.0, -1.0, 0.0], (n, 1)) + rng.normal(0, 0.04, (n, 3))
    normal = _unit(normal - (normal * tangent).sum(1, keepdims=True) * tangent)
    rgb = np.clip(_rosette(radius, theta) * rng.normal(1, 0.10, (n, 1)) + rng.normal(0, 0.015, (n, 3)), 0.02, 0.98)
    shadow = 1 - 0.5 * np.exp(-(((radius - 1.0) / 0.35) ** 2))
    scale = np.array([0.0135, 0.0155, 0.003]) * rng.uniform(0.85, 1.15, (n, 3))
    sh = _glaze(rgb * shadow[:, None], normal, rng.uniform(0.2, 0.5, n))
    return mean, normal, tangent, scale, rng.uniform(0.85, 0.99, n), sh


def _rosette(radius: Array, theta: Array) -> Array:
    """The floor's colours: a flower of twelve petals in a plait of two waves, and a border."""
    petal = 0.92 * np.sqrt(np.abs(np.cos(6 * theta))) - radius
    wave = 0.19 * np.cos(9 * theta)
    over, under = np.abs(radius - 1.34 - wave), np.abs(radius - 1.34 + wave)
    zones = [
        (radius < 0.13, GOLD),
        (petal > 0.10, LAPIS),
        (petal > 0.0, IVORY),
        (radius < 0.97, RUST),
        (radius < 1.06, GOLD),
        (over < 0.045, IVORY),
        (under < 0.045, GOLD),
        (np.abs(radius - 1.34) < np.abs(wave), RUST),
        (radius < 1.64, LAPIS),
        (radius < 1.73, IVORY),
        (radius < 1.82, RUST),
    ]
    return np.select([where[:, None] for where, _ in zones], [color for _, color in zones], GOLD)


def _strands(rng: np.random.Generator) -> Part:
    """Strands of golden stones that wind from the rim to a dome, ever smaller and fainter."""
    count, length = STRANDS
    strand = np.repeat(np.arange(count), length)
    h = np.tile(np.linspace(0, 1, length, endpoint=False), count)
    theta = 2 * np.pi * strand / count + 2.2 * h
    radius = 1.93 * np.cos(1.25 * h)
    mean = np.stack([radius * np.cos(theta), FLOOR_Y - 2.1 * np.sin(1.25 * h), radius * np.sin(theta)], axis=1)
    normal = _unit(mean * [1, 0.5, 1] + rng.normal(0, 0.4, mean.shape))
    tangent = _unit(np.cross(normal, rng.normal(size=mean.shape)))
    rgb = GOLD + (IVORY - GOLD) * h[:, None]
    scale = np.array([0.0135, 0.0115, 0.003]) * (1 - 0.6 * h)[:, None] * rng.uniform(0.85, 1.15, mean.shape)
    return mean, normal, tangent, scale, 0.95 - 0.85 * h, _glaze(rgb, normal, np.full(len(h), 0.8))


def _frame_to_quaternion(tangent: Array, normal: Array) -> Array:
    """Unit quaternions (w, x, y, z) that turn the axes x, y, z into tangent, normal × tangent, normal.

    Every row of 4·q·qᵀ is a multiple of q; the one of the largest component has the least rounding.
    Of q and -q it is the one whose first component beyond ±0.1 is positive: on the floor w is zero
    but for rounding, and two components often tie for the largest.
    """
    m = np.stack([tangent, np.cross(normal, tangent), normal], axis=2)
    trace = np.trace(m, axis1=1, axis2=2)
    product = m + m.transpose(0, 2, 1) + (1 - trace)[:, None, None] * np.eye(3)
    with_w = np.stack([m[:, 2, 1] - m[:, 1, 2], m[:, 0, 2] - m[:, 2, 0], m[:, 1, 0] - m[:, 0, 1]], axis=1)
    top = np.concatenate([(1 + trace)[:, None], with_w], axis=1)[:, None, :]
    rows = np.concatenate([top, np.concatenate([with_w[:, :, None], product], axis=2)], axis=1)
    each = np.arange(len(m))
    q = _unit(rows[each, np.diagonal(rows, axis1=1, axis2=2).argmax(axis=1)])
    return q * np.sign(q[each, (np.abs(q) > 0.1).argmax(axis=1)])[:, None]
