"""3-D Gaussian splatting in float32 torch, as the INRIA rasteriser defines it.

Source: Kerbl et al., "3D Gaussian Splatting for Real-Time Radiance Field Rendering" (SIGGRAPH
2023), and the constants of its public rasteriser. The quality of the bit-true model is measured
against this file.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from golden.scenes import Camera, Scene

TILE = 16  # pixels a side; a Gaussian is blended in every pixel of the tiles its square touches
DILATION = 0.3  # px², added to the diagonal of the 2-D covariance (low-pass)
MAX_ALPHA = 0.99
MIN_ALPHA = 1 / 255
MIN_TRANSMITTANCE = 1e-4
GUARD_BAND = 1.3  # the Jacobian is evaluated no further out than 1.3 × the field of view
DEFAULT_NEAR = 0.2
MIN_POWER = -16.0  # exp() of less is far below MIN_ALPHA and slow; only speed depends on it
CHUNK = 1024  # Gaussians blended at once; only speed depends on it


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Where published rasterisers differ. Defaults are INRIA's; `GSPLAT` is gsplat's."""

    near: float = DEFAULT_NEAR
    radius_sigmas: float = 3.0
    square: bool = True  #: one radius from the larger eigenvalue, rounded up; else one per axis
    max_alpha: float = MAX_ALPHA


GSPLAT = Rules(near=0.01, radius_sigmas=3.33, square=False, max_alpha=0.999)


@dataclass(frozen=True, kw_only=True)
class Projected:
    """2-D Gaussians in depth order, only those in front of the near plane and on the image."""

    index: Tensor  # [M] int64, place in the scene
    depth: Tensor  # [M]
    mean: Tensor  # [M, 2] pixels
    conic: Tensor  # [M, 3] inverse covariance a, b, c
    radius: Tensor  # [M, 2] pixels, as published
    reach: Tensor  # [M, 2] pixels along x and y beyond which α < 1/255, rounded up; only speed depends on it
    opacity: Tensor  # [M]
    color: Tensor  # [M, 3]

    def __len__(self) -> int:
        return len(self.index)


def spherical_harmonics(sh: Tensor, direction: Tensor) -> Tensor:
    """Colour = max(0, 0.5 + Σ_k sh[:, k]·Y_k(direction)).

    Args:
        sh: [N, (degree+1)², 3], degree 0 to 3.
        direction: [N, 3] unit vectors from the camera to the Gaussian.

    Returns:
        [N, 3].
    """
    x, y, z = direction.unbind(-1)
    basis = [torch.full_like(x, 0.28209479177387814)]
    if sh.shape[1] > 1:
        basis += [-0.4886025119029199 * y, 0.4886025119029199 * z, -0.4886025119029199 * x]
    if sh.shape[1] > 4:
        basis += [
            1.0925484305920792 * x * y,
            -1.0925484305920792 * y * z,
            0.31539156525252005 * (2 * z * z - x * x - y * y),
            -1.0925484305920792 * x * z,
            0.5462742152960396 * (x * x - y * y),
        ]
    if sh.shape[1] > 9:
        basis += [
            -0.5900435899266435 * y * (3 * x * x - y * y),
            2.890611442640554 * x * y * z,
            -0.4570457994644658 * y * (4 * z * z - x * x - y * y),
            0.3731763325901154 * z * (2 * z * z - 3 * x * x - 3 * y * y),
            -0.4570457994644658 * x * (4 * z * z - x * x - y * y),
            1.445305721320277 * z * (x * x - y * y),
            -0.5900435899266435 * x * (x * x - 3 * y * y),
        ]
    return (torch.einsum("kn,nkc->nc", torch.stack(basis), sh) + 0.5).clamp_min(0)


def rotation_matrix(q: Tensor) -> Tensor:
    """Unit quaternions [N, 4] (w, x, y, z) to rotation matrices [N, 3, 3]."""
    w, x, y, z = q.unbind(-1)
    rows = [
        1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
        2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
        2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y),
    ]  # fmt: skip
    return torch.stack(rows, -1).reshape(-1, 3, 3)


def covariance_2d(scale: Tensor, quaternion: Tensor, view: Tensor, point: Tensor, camera: Camera) -> Tensor:
    """Σ' = J·W·R·S·S·Rᵀ·Wᵀ·Jᵀ + 0.3·I, the EWA projection (Zwicker et al. 2001, equation 31).

    Args:
        scale, quaternion: [N, 3] and [N, 4].
        view: [3, 3] rotation W from world to camera.
        point: [N, 3] centre in camera space.

    Returns:
        [N, 3] the entries xx, xy, yy of Σ'.
    """
    x, y, z = point.unbind(-1)
    limit_x = GUARD_BAND * 0.5 * camera.width / camera.fx
    limit_y = GUARD_BAND * 0.5 * camera.height / camera.fy
    tx = (x / z).clamp(-limit_x, limit_x) * z
    ty = (y / z).clamp(-limit_y, limit_y) * z
    zero = torch.zeros_like(z)
    jacobian = torch.stack(
        [camera.fx / z, zero, -camera.fx * tx / (z * z), zero, camera.fy / z, -camera.fy * ty / (z * z)], -1
    ).reshape(-1, 2, 3)
    a = jacobian @ view @ (rotation_matrix(quaternion) * scale[:, None, :])
    xx, xy, yy = (a[:, 0] ** 2).sum(-1), (a[:, 0] * a[:, 1]).sum(-1), (a[:, 1] ** 2).sum(-1)
    return torch.stack([xx + DILATION, xy, yy + DILATION], -1)


def project(scene: Scene, camera: Camera, rules: Rules = Rules()) -> Projected:
    """Culls, projects and depth-sorts (stable: equal depths keep the scene's order)."""
    matrix = torch.from_numpy(camera.world_to_camera).float()
    means = torch.from_numpy(scene.means)
    point = means @ matrix[:3, :3].T + matrix[:3, 3]
    depth = point[:, 2]
    order = torch.argsort(depth, stable=True)
    order = order[depth[order] > rules.near]

    point, depth = point[order], depth[order]
    focal = torch.tensor([camera.fx, camera.fy])
    mean = point[:, :2] / depth[:, None] * focal + torch.tensor([camera.cx, camera.cy])
    view = matrix[:3, :3]
    cov = covariance_2d(
        torch.from_numpy(scene.scales)[order], torch.from_numpy(scene.quaternions)[order], view, point, camera
    )
    xx, xy, yy = cov.unbind(-1)
    determinant = xx * yy - xy * xy
    conic = torch.stack([yy, -xy, xx], -1) / determinant[:, None]
    radius = _radius(cov, determinant, rules)

    size = torch.tensor([camera.width, camera.height])
    kept = (determinant > 0) & (mean + radius > 0).all(-1) & (mean - radius < size).all(-1)
    order = order[kept]
    opacity = torch.from_numpy(scene.opacities)[order]
    sigmas = (2 * (opacity / MIN_ALPHA).clamp_min(1).log()).sqrt()
    direction = means[order] - torch.from_numpy(camera.position).float()
    return Projected(
        index=order,
        depth=depth[kept],
        mean=mean[kept],
        conic=conic[kept],
        radius=radius[kept],
        reach=1.01 * sigmas[:, None] * cov[kept][:, [0, 2]].sqrt() + 1,
        opacity=opacity,
        color=spherical_harmonics(torch.from_numpy(scene.sh)[order], torch.nn.functional.normalize(direction, dim=-1)),
    )


def _radius(cov: Tensor, determinant: Tensor, rules: Rules) -> Tensor:
    xx, _, yy = cov.unbind(-1)
    if not rules.square:
        return (rules.radius_sigmas * torch.stack([xx, yy], -1).sqrt()).ceil()
    middle = 0.5 * (xx + yy)
    largest = middle + (middle * middle - determinant).clamp_min(0.1).sqrt()
    return (rules.radius_sigmas * largest.sqrt()).ceil()[:, None].expand(-1, 2)


def _tile_lists(projected: Projected, columns: int, rows: int) -> tuple[Tensor, Tensor]:
    """Every (tile, Gaussian) pair, grouped by tile, in depth order: Gaussian places, and each tile's end."""
    limit = torch.tensor([columns, rows])
    extent = projected.radius.minimum(projected.reach)
    low = ((projected.mean - extent) / TILE).floor()
    high = ((projected.mean + extent + TILE - 1) / TILE).floor()
    low, high = (edge.clamp_min(0).minimum(limit).long() for edge in (low, high))
    span = (high - low).clamp_min(0)
    count = span[:, 0] * span[:, 1]
    place = torch.repeat_interleave(torch.arange(len(projected)), count)
    nth = torch.arange(len(place)) - torch.repeat_interleave(count.cumsum(0) - count, count)
    width = span[place, 0]
    tile = (low[place, 1] + nth // width) * columns + low[place, 0] + nth % width
    order = torch.argsort(tile, stable=True)
    return place[order], torch.bincount(tile, minlength=columns * rows).cumsum(0)


def render(scene: Scene, camera: Camera, *, rules: Rules = Rules(), background: float = 0.0) -> Tensor:
    """Draws the scene.

    Each pixel blends front to back: α = min(max_alpha, o·exp(-½·dᵀ·conic·d)), skipped below
    1/255; C += T·α·c; T *= 1 - α; a Gaussian that would bring T below 1e-4 is left out and ends
    the pixel; at last C += T·background.

    Returns:
        float32 [height, width, 3], not clamped above.
    """
    columns, rows = math.ceil(camera.width / TILE), math.ceil(camera.height / TILE)
    image = torch.empty(rows * TILE, columns * TILE, 3)
    step = torch.arange(TILE).float() + 0.5
    with _undivided_operators() as threads, ThreadPoolExecutor(threads) as pool:
        projected = project(scene, camera, rules)
        place, end = _tile_lists(projected, columns, rows)
        start = torch.cat([torch.zeros(1, dtype=torch.int64), end])

        def draw(tile: int) -> None:
            y, x = (tile // columns) * TILE, (tile % columns) * TILE
            here = _take(projected, place[start[tile] : end[tile]])
            image[y : y + TILE, x : x + TILE] = _blend_tile(here, x + step, y + step, rules, background)

        list(pool.map(draw, range(columns * rows)))
    return image[: camera.height, : camera.width].contiguous()


@contextmanager
def _undivided_operators() -> Iterator[int]:
    """Keeps torch from splitting single operators; yields the threads that are free for tiles instead.

    The parts of a split operator wait for each other, which on a busy machine costs many times the work.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield threads
    finally:
        torch.set_num_threads(threads)


def _take(projected: Projected, place: Tensor) -> Projected:
    return replace(projected, **{name: value[place] for name, value in vars(projected).items()})


def _blend_tile(g: Projected, xs: Tensor, ys: Tensor, rules: Rules, background: float) -> Tensor:
    """Blends the Gaussians `g`, in order, in the pixels xs × ys: [len(ys), len(xs), 3]."""
    light = torch.ones(1, len(ys) * len(xs))  # T; below the limit once a pixel has ended
    blended = torch.zeros(len(ys) * len(xs), 4)  # colour and coverage: Σ T·α·c and Σ T·α = 1 - T
    paint = torch.cat([g.color, torch.ones(len(g), 1)], dim=1)
    for first in range(0, len(g), CHUNK):
        chunk = slice(first, first + CHUNK)
        alpha = _alpha(g, chunk, xs, ys, rules)
        light = torch.cat([light, 1 - alpha]).cumprod_(0)  # row i: T before Gaussian i; the last row: after all
        alive = light[1:] >= MIN_TRANSMITTANCE
        blended += alpha.mul_(light[:-1]).mul_(alive).T @ paint[chunk]
        light = light[-1:]
        if not alive[-1].any():
            break
    color = blended[:, :3] + (1 - blended[:, 3:]) * background
    return color.reshape(len(ys), len(xs), 3)


def _alpha(g: Projected, chunk: slice, xs: Tensor, ys: Tensor, rules: Rules) -> Tensor:
    """α of every Gaussian of the chunk in every pixel, 0 where it is skipped: [Gaussians, pixels]."""
    dx = g.mean[chunk, 0, None] - xs
    dy = g.mean[chunk, 1, None] - ys
    a, b, c = (v[:, None] for v in g.conic[chunk].unbind(-1))
    power = (-b * dx)[:, None, :] * dy[:, :, None]
    power -= (0.5 * a * dx * dx)[:, None, :]
    power -= (0.5 * c * dy * dy)[:, :, None]
    power = power.flatten(1)
    alpha = power.clamp(min=MIN_POWER).exp_().mul_(g.opacity[chunk, None]).clamp_(max=rules.max_alpha)
    return alpha.masked_fill_((alpha < MIN_ALPHA) | (power > 0), 0)
