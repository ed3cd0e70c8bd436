"""What the record registers beside the pixels see: the first significant Gaussians, and how far a pixel is drawn."""

from __future__ import annotations

import torch
from torch import Tensor

from golden.splat.spec import Spec


class Recorder:
    """Of one group of pixels, a `golden.splat.rasteriser.Watch` over all its depth slabs.

    A Gaussian is significant for a pixel where its weight T·α is above 0: its alpha is 1/255 or more, the pixel is not
    done, and the pixel changes. Its id is its place in the scene's file, which no view changes. All of [sub-tiles,
    lanes], the first `length` significant Gaussians in drawing order behind them; int32, as pixels are many.
    """

    def __init__(self, spec: Spec, length: int) -> None:
        pixels = (spec.columns**2, spec.lanes)
        self.ids = torch.zeros(*pixels, length, dtype=torch.int32)
        self.weight = torch.zeros(*pixels, length, dtype=torch.int32)
        self.color = torch.zeros(*pixels, length, 3, dtype=torch.int32)  # color_format
        self.touch = torch.zeros(*pixels, length, dtype=torch.int32)  # touches of the sub-tile up to this one
        self.met = torch.zeros(pixels, dtype=torch.int64)  # significant Gaussians, all of them
        self.touches = torch.zeros(pixels, dtype=torch.int64)  # of the sub-tile before the pixel was done

    def __call__(self, subtile: Tensor, rank: Tensor, color: Tensor, weight: Tensor, touched: Tensor) -> None:
        """Takes the next touches down."""
        significant = weight > 0
        nth = self.met[subtile] + significant.cumsum(0)  # counted from 1
        step, place, lane = torch.nonzero(significant & (nth <= self.ids.shape[-1]), as_tuple=True)
        to = (subtile[place], lane, nth[step, place, lane] - 1)
        self.ids[to] = rank[step, place].int()
        self.weight[to] = weight[step, place, lane].int()
        self.color[to] = color[step, place].int()
        self.touch[to] = (self.touches[subtile] + touched.cumsum(0))[step, place, lane].int()
        self.met[subtile] += significant.sum(0)
        self.touches[subtile] += touched.sum(0)
