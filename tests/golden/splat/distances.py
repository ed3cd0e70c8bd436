"""From the centre of a splat to the pixels of a sub-tile."""

from __future__ import annotations

import torch
from torch import Tensor

from golden.splat.spec import Spec


def distances(centre: Tensor, subtile: Tensor, spec: Spec) -> tuple[Tensor, Tensor]:
    """From a centre [P, 2] in pixels to every pixel of a sub-tile [P], along x and y: [P, lanes] each, in pixels."""
    lane = torch.arange(spec.lanes)
    x = (subtile % spec.columns * spec.subtile)[:, None] + lane % spec.subtile + 0.5
    y = (subtile // spec.columns * spec.subtile)[:, None] + lane // spec.subtile + 0.5
    u, v = centre.unbind(-1)
    return x - u[:, None], y - v[:, None]
