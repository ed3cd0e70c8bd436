"""The direction between those of the octagon along which a splat is narrowest."""

from __future__ import annotations

import torch
from torch import Tensor

from golden.splat.spec import SLANTS


def slant(cov: Tensor) -> Tensor:
    """Number in `SLANTS` of the direction nearest to the minor axis, [M].

    With t the axis' angle, tan 2t = 2·xy/(xx - yy): where 2·|xy| > |xx - yy| it is nearer to a diagonal.
    """
    xx, xy, yy = cov.unbind(-1)
    return (xx > yy).long() | (2 * xy.abs() > (xx - yy).abs()).long() << 1 | (xy > 0).long() << 2


def slant_vectors(number: Tensor) -> tuple[Tensor, Tensor]:
    """x and y of directions by their numbers in `SLANTS`."""
    x, y = torch.tensor(SLANTS)[number].unbind(-1)
    return x, y
