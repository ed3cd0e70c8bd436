"""Rasteriser: splats in order on the group's sub-tiles, one splat × one sub-tile a step."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from golden.splat.fine_filter import Splats
from golden.splat.pixel_lane import Pixels, alpha, blend, power
from golden.splat.raster_setup import setup
from golden.splat.spec import Spec

BLOCK = 64  # steps whose alphas are evaluated together; only speed depends on it


class Watch(Protocol):
    """Sees every touch of the sub-tiles at hand; what it keeps does not change the picture."""

    def __call__(self, subtile: Tensor, rank: Tensor, color: Tensor, weight: Tensor, touched: Tensor) -> None:
        """The next touches of each of the sub-tiles [S], in order.

        Args:
            rank: [steps, S] the splat's place in the file. color: [steps, S, 3] color_format.
            weight: [steps, S, lanes] w, 0 where nothing is drawn.
            touched: [steps, S, lanes] there is a splat, and the pixel was not done before it.
        """
        ...


def rasterise(
    splats: Splats, spec: Spec, pixels: Pixels | None = None, watch: Watch | None = None
) -> tuple[Pixels, int, int, int]:
    """Blends `splats`, already in order, on all sub-tiles of a group: on `pixels`, in place, or on new ones.

    Returns the pixels, the (splat, sub-tile) pairs touched, those of them that came before their
    sub-tile was opaque, and the results of lanes, one a pixel and touch, with a weight above 0.
    """
    count = spec.columns**2
    pixels = pixels or Pixels(
        transmittance=torch.full((count, spec.lanes), spec.full_transmittance),
        done=torch.zeros(count, spec.lanes, dtype=torch.bool),
        color=torch.zeros(count, spec.lanes, 3, dtype=torch.int64),
    )
    subtile, pair = torch.nonzero(splats.mask.T, as_tuple=True)  # by sub-tile, then in order
    length = torch.bincount(subtile, minlength=count)
    start = length.cumsum(0) - length
    useful = changed = 0
    for first in range(0, int(length.max()) if len(pair) else 0, BLOCK):
        open_ = (length > first) & ~pixels.done.all(-1)
        which = torch.nonzero(open_)[:, 0]
        if len(which) == 0:
            break
        nth = first + torch.arange(BLOCK)[:, None]
        present = nth < length[which]
        batch = pair[torch.where(present, start[which] + nth, 0)].flatten()
        s = setup(splats, batch, which.repeat(BLOCK), spec)
        alphas = alpha(power(s, spec), s.bend, spec).reshape(BLOCK, len(which), spec.lanes)
        alphas *= present[..., None]
        colors = splats.color[batch].reshape(BLOCK, len(which), 3)
        weight, open_before = blend(pixels, which, alphas, colors, spec)
        touched = open_before & present[..., None]
        if watch:
            watch(which, splats.rank[batch].reshape(BLOCK, len(which)), colors, weight, touched)
        useful += int(touched.any(-1).sum())
        changed += int(weight.count_nonzero())
    return pixels, len(pair), useful, changed
