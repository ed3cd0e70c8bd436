"""Which sub-tiles of its group a splat's support can touch."""

from __future__ import annotations

import torch
from torch import Tensor

from golden.splat.frame import Group
from golden.splat.spec import Spec


def touch(mean: Tensor, extent: Tensor, group: Group, spec: Spec) -> Tensor:
    """Sub-tiles with a pixel centre inside the support's octagon, [M, columns²]."""
    columns, fraction = spec.columns, spec.screen_fraction
    half = 1 << (fraction - 1)
    low = torch.arange(columns) * (spec.subtile << fraction) + half
    high = low + ((spec.subtile - 1) << fraction)
    u, v = mean.unbind(-1)
    ex, ey, es, ed = extent.unbind(-1)

    def overlaps(centre: Tensor, reach: Tensor, low: Tensor, high: Tensor) -> Tensor:
        shape = (-1,) + (1,) * low.dim()
        return (low <= (centre + reach).reshape(shape)) & (high >= (centre - reach).reshape(shape))

    column = overlaps(u, ex, low, high) & (torch.arange(columns) < group.valid_columns)
    row = overlaps(v, ey, low, high) & (torch.arange(columns) < group.valid_rows)
    rows, cols = torch.meshgrid(torch.arange(columns), torch.arange(columns), indexing="ij")
    total = overlaps(u + v, es, low[cols] + low[rows], high[cols] + high[rows])
    difference = overlaps(u - v, ed, low[cols] - high[rows], high[cols] - low[rows])
    return (column[:, None, :] & row[:, :, None] & total & difference).flatten(1)
