"""Strips around supports, anywhere near a group."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from golden.splat.slant import slant_vectors
from golden.splat.spec import SLANTS, Spec


@dataclass(frozen=True, kw_only=True)
class Strips:
    """What `golden.splat.touch.touch` takes of splats, in screen units."""

    mean: Tensor  # [M, 2] centres
    extent: Tensor  # [M, 4] half-widths along x, y, x+y and x-y
    slant: Tensor  # [M] numbers of directions
    slant_extent: Tensor  # [M] half-widths along those

    def __len__(self) -> int:
        return len(self.mean)

    def __getitem__(self, k: slice) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The first operands of `touch`."""
        return self.mean[k], self.extent[k], self.slant[k], self.slant_extent[k]

    def axes(self) -> tuple[Tensor, Tensor]:
        """x and y of every direction, [M, 5]."""
        x, y = slant_vectors(self.slant)
        shared = torch.tensor([[1, 0, 1, 1], [0, 1, 1, -1]])[:, None].expand(2, len(self), 4)
        return torch.cat([shared[0], x[:, None]], -1), torch.cat([shared[1], y[:, None]], -1)


def strips(spec: Spec, seed: int, count: int) -> Strips:
    """Every second splat ends in one direction at a pixel centre of a sub-tile's corner, or one step short of it."""
    generator = torch.Generator().manual_seed(seed)

    def random(low: int, high: int, *shape: int) -> Tensor:
        return torch.randint(low, high, shape, generator=generator)

    step = 1 << spec.screen_fraction
    size, tile = spec.group_size * step, spec.subtile * step
    wide = Strips(
        mean=random(-size, 2 * size, count, 2), extent=random(0, size, count, 4),
        slant=random(0, len(SLANTS), count), slant_extent=random(0, 2 * size, count),
    )  # fmt: skip
    x, y = wide.axes()
    middle = x * wide.mean[:, :1] + y * wide.mean[:, 1:]
    first = random(0, spec.columns, count, 2) * tile + step // 2
    corner = first[:, None] + random(0, 2, count, 5, 2) * (tile - step)
    ends = x * corner[..., 0] + y * corner[..., 1]
    # One direction ends there, the others reach far beyond.
    tight = ((ends - middle).abs() - random(0, 2, count, 5)).clip(0)
    exact = torch.where(random(0, 5, count)[:, None] == torch.arange(5), tight, 8 * size)
    second = torch.arange(count)[:, None] % 2 == 1
    extent = torch.where(second, wide.extent, exact[:, :4].clip(max=spec.mean_format.high))
    across = torch.where(second[:, 0], wide.slant_extent, exact[:, 4].clip(max=4 * spec.mean_format.high))
    return Strips(mean=wide.mean, extent=extent, slant=wide.slant, slant_extent=across)
