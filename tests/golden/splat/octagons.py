"""Octagons around supports, anywhere near a group."""

from __future__ import annotations

import torch
from torch import Tensor

from golden.splat.spec import Spec


def octagons(spec: Spec, seed: int, count: int) -> tuple[Tensor, Tensor]:
    """Centres [M, 2] and half-widths [M, 4] in screen units.

    Every second one ends in each direction at a pixel centre of a sub-tile's edge, or one step
    short of it.
    """
    generator = torch.Generator().manual_seed(seed)

    def random(low: int, high: int, *shape: int) -> Tensor:
        return torch.randint(low, high, shape, generator=generator)

    step = 1 << spec.screen_fraction
    size, tile = spec.group_size * step, spec.subtile * step
    mean, extent = random(-size, 2 * size, count, 2), random(0, size, count, 4)
    first = random(0, spec.columns, count, 2) * tile + step // 2
    edge = first + random(0, 2, count, 2) * (tile - step)
    u, v = mean.unbind(-1)
    middle = torch.stack([u, v, u + v, u - v], -1)
    # Along x+y a sub-tile ends at two opposite corners, along x-y at the other two.
    across = first[:, 0] + first[:, 1] + random(0, 2, count) * 2 * (tile - step)
    along = first[:, 0] - first[:, 1] + (2 * random(0, 2, count) - 1) * (tile - step)
    ends = torch.stack([edge[:, 0], edge[:, 1], across, along], -1)
    # One direction ends there, the others reach far beyond.
    tight = ((ends - middle).abs() - random(0, 2, count, 4)).clip(0)
    number = random(0, 4, count)[:, None] == torch.arange(4)
    exact = torch.where(number, tight, 4 * size)
    return mean, torch.where(torch.arange(count)[:, None] % 2 == 0, exact.clip(max=spec.mean_format.high), extent)
