"""Splats for the rasteriser: those of a case, and flat layers."""

from __future__ import annotations

import torch
from torch import Tensor

from golden.splat.fine_filter import Splats
from golden.splat.spec import Spec
from tests.golden.splat.cases import case


def sorted_splats(name: str, spec: Spec, count: int) -> Splats:
    """At most `count` splats of the middle group, nearest first."""
    v = case(name, spec)
    splats = v.splats(v.middle)
    return splats.select(splats.depth.sort(stable=True).indices[:count])


def pairs_of(splats: Splats) -> tuple[Tensor, Tensor]:
    """Every splat with every sub-tile that it touches."""
    pair, subtile = torch.nonzero(splats.mask, as_tuple=True)
    return pair, subtile


def layers(spec: Spec, opacity: list[int], color: list[int]) -> Splats:
    """Splats so wide that they are flat over the whole group, one behind the other."""
    count = len(opacity)
    return Splats(
        place=torch.arange(count),
        depth=torch.arange(count),
        rank=torch.arange(count),
        mean=torch.full((count, 2), spec.group_size << spec.screen_fraction >> 1),
        mean_exponent=torch.zeros(count, dtype=torch.int64),
        conic=torch.tensor([[1, 0, 1]] * count),
        conic_shift=torch.full((count,), 40),
        opacity=torch.tensor(opacity),
        color=torch.tensor([[c, 0, 0] for c in color]),
        slant=torch.zeros(count, dtype=torch.int64),
        touch=torch.tensor([[0, size - 1] for size in spec.range_sizes]).expand(count, 5, 2),
        mask=torch.ones(count, spec.columns**2, dtype=torch.bool),
    )
