"""Which sub-tiles of its group a splat's support can touch."""

from __future__ import annotations

import torch
from torch import Tensor

from golden.splat.frame import Group
from golden.splat.slant import slant_vectors
from golden.splat.spec import SLANTS, Spec


def touch(mean: Tensor, extent: Tensor, slant: Tensor, slant_extent: Tensor, group: Group, spec: Spec) -> Tensor:
    """First and last number of the sub-tiles that meet the support's five strips, [M, 5, 2], by `RANGES`.

    A sub-tile has a pixel centre inside each strip if and only if its numbers lie in all five ranges. An empty
    range has its first number above its last.
    """
    columns, step = spec.columns, 1 << spec.screen_fraction
    tile = spec.subtile << spec.screen_fraction
    span = tile - step  # from a sub-tile's first pixel centre to its last
    u, v = mean.unbind(-1)
    x, y = slant_vectors(slant)
    below = y.clip(max=0)
    middle = torch.stack([u, v, u + v, u - v, x * u + y * v], -1)
    reach = torch.cat([extent, slant_extent[:, None]], -1)
    # Where the sub-tile of number 0 begins, and how far it reaches, in each direction.
    begin = torch.tensor([step // 2, step // 2, step, -span - (columns - 1) * tile]).expand(len(mean), 4)
    slant_begin = (x + y) * (step // 2) + below * (span + (columns - 1) * tile)
    begin = torch.cat([begin, slant_begin[:, None]], -1)
    length = torch.tensor([span, span, 2 * span, 2 * span]).expand(len(mean), 4)
    length = torch.cat([length, ((x + y.abs()) * span)[:, None]], -1)
    most = torch.tensor(spec.range_sizes) - 1
    last = (middle + reach - begin) // tile
    first = (middle - reach - begin - length + tile - 1) // tile
    outside = (last < 0) | (first > most)
    limit = torch.cat([torch.tensor([group.valid_columns, group.valid_rows]) - 1, most[2:]])
    return torch.stack(
        [torch.where(outside, most, first.clip(min=0).minimum(most)), torch.where(outside, 0, last.minimum(limit))], -1
    )


def tiles(ranges: Tensor, slant: Tensor, spec: Spec) -> Tensor:
    """The sub-tiles whose numbers lie in all five ranges, [M, columns²] bool, row by row."""
    number = torch.arange(spec.columns)
    row, column = number[:, None], number
    numbers = (column, row, column + row, column - row + spec.columns - 1, torch.stack(_slant_numbers(spec))[slant])
    first, last = ranges[..., 0, None, None], ranges[..., 1, None, None]
    inside = [(n >= first[:, k]) & (n <= last[:, k]) for k, n in enumerate(numbers)]
    return (inside[0] & inside[1] & inside[2] & inside[3] & inside[4]).flatten(1)


def _slant_numbers(spec: Spec) -> list[Tensor]:
    """The sub-tiles' numbers [columns, columns], row by row, along each of `SLANTS`."""
    number = torch.arange(spec.columns)
    return [x * number + y * number[:, None] - min(y, 0) * (spec.columns - 1) for x, y in SLANTS]
