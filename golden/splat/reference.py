"""3-D Gaussian splatting in float32 torch, as the INRIA rasteriser defines it.

Source: Kerbl et al., "3D Gaussian Splatting for Real-Time Radiance Field Rendering" (SIGGRAPH
2023), and the constants of its public rasteriser. The quality of the bit-true model is measured
against this file and the projection in `ewa.py`.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import torch
from torch import Tensor

from golden.scenes.camera import Camera
from golden.scenes.scene import Scene
from golden.splat.ewa import MIN_ALPHA, Projected, Rules, project
from golden.threads import undivided_operators

TILE = 16  # pixels a side; a Gaussian is blended in every pixel of the tiles its square touches
MIN_TRANSMITTANCE = 1e-4
MIN_POWER = -16.0  # exp() of less is far below MIN_ALPHA and slow; only speed depends on it
CHUNK = 1024  # Gaussians blended at once; only speed depends on it

GSPLAT = Rules(near=0.01, radius_sigmas=3.33, square=False, max_alpha=0.999)


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
    """`render_layers` with C += T·background: float32 [height, width, 3], not clamped above."""
    layers = render_layers(scene, camera, rules=rules)
    return layers[..., :3] + (1 - layers[..., 3:]) * background


def render_layers(scene: Scene, camera: Camera, *, rules: Rules = Rules()) -> Tensor:
    """Draws the scene before any background.

    Each pixel blends front to back: α = min(max_alpha, o·exp(-½·dᵀ·conic·d)), skipped below
    1/255; C += T·α·c; T *= 1 - α; a Gaussian that would bring T below 1e-4 is left out and ends
    the pixel.

    Returns:
        float32 [height, width, 4]: C, not clamped above, and coverage 1 - T.
    """
    columns, rows = math.ceil(camera.width / TILE), math.ceil(camera.height / TILE)
    image = torch.empty(rows * TILE, columns * TILE, 4)
    step = torch.arange(TILE).float() + 0.5
    with undivided_operators() as threads, ThreadPoolExecutor(threads) as pool:
        projected = project(scene, camera, rules)
        place, end = _tile_lists(projected, columns, rows)
        start = torch.cat([torch.zeros(1, dtype=torch.int64), end])

        def draw(tile: int) -> None:
            y, x = (tile // columns) * TILE, (tile % columns) * TILE
            here = _take(projected, place[start[tile] : end[tile]])
            image[y : y + TILE, x : x + TILE] = _blend_tile(here, x + step, y + step, rules)

        list(pool.map(draw, range(columns * rows)))
    return image[: camera.height, : camera.width].contiguous()


def _take(projected: Projected, place: Tensor) -> Projected:
    return replace(projected, **{name: value[place] for name, value in vars(projected).items()})


def _blend_tile(g: Projected, xs: Tensor, ys: Tensor, rules: Rules) -> Tensor:
    """Blends the Gaussians `g`, in order, in the pixels xs × ys: [len(ys), len(xs), 4]."""
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
    return blended.reshape(len(ys), len(xs), 4)


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
