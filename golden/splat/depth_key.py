"""A depth as a key to sort by."""

from __future__ import annotations

import torch
from torch import Tensor

from golden.integers import normalise
from golden.splat.frame import Frame
from golden.splat.spec import Spec


def sort_key(z: Tensor, frame: Frame, spec: Spec) -> Tensor:
    """The key of a depth behind the near plane: what lies far off but close together is told apart, too."""
    return depth_key(z - frame.near, spec)


def depth_key(z: Tensor, spec: Spec) -> Tensor:
    """Order-preserving code of a positive depth: 5 bits of exponent, then the leading mantissa bits."""
    mantissa, zeros = normalise(z, 31, 31)
    bits = spec.depth_bits - 5
    key = ((30 - zeros) << bits) | ((mantissa >> (30 - bits)) & ((1 << bits) - 1))
    return torch.where(z > 0, key, 0)
