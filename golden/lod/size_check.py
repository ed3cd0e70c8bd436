"""The decision of an LT unit and its slack, in integers: what hw/lod/size_check.py and slack.py compute."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from golden.formats import clip
from golden.integers import bit_length, step_look_up
from golden.lod.spec import DISTANCE_BITS, DOUBLE_BITS, GUARD_SHIFT, HIGHEST, LOWEST, MANTISSA, SLACK_BITS, Spec


@dataclass(frozen=True, kw_only=True)
class Decision:
    """int64 tensors of one shape. `big` is 1 where size >= tau, that is size² · factor >= d²."""

    big: torch.Tensor
    left: torch.Tensor  #: size² · factor …
    right: torch.Tensor  #: … and d², at one scale, both times 2**(2 · (8 - zeros)) / 8 cells²
    zeros: torch.Tensor  #: leading zeros of the longest of the three distances


def size_check(
    spec: Spec, low: torch.Tensor, high: torch.Tensor, mantissa: torch.Tensor, exponent: torch.Tensor,
    camera: torch.Tensor, factor: int, power: int,
) -> Decision:  # fmt: skip
    """Compares a node with the threshold.

    Args:
        low, high: [n, 3] the box in cells; camera: [3] or [n, 3], from the same origin.
        mantissa, exponent: [n] the size is (2**size_bits + mantissa) · 2**exponent cells.
        factor, power: (focal/tau)²; `power` as `View.exponent` gives it.
    """
    axis = torch.maximum(low - camera, camera - high).clamp(min=0)
    longest = axis[:, 0] | axis[:, 1] | axis[:, 2]
    zeros = (DISTANCE_BITS - bit_length(longest)).clamp(max=DISTANCE_BITS - 1)
    near = (axis << zeros[:, None]) >> (DISTANCE_BITS - MANTISSA)
    square = near.square().sum(dim=1)
    side = (1 << spec.size_bits) + mantissa
    product = (side * side * factor) << spec.product_up
    difference = clip(2 * (exponent + zeros) + power, LOWEST, HIGHEST)
    left = product << (difference - LOWEST)
    right = square << -LOWEST
    return Decision(big=(left >= right).to(torch.int64), left=left, right=right, zeros=zeros)


def slack(spec: Spec, decision: Decision) -> torch.Tensor:
    """Cells that the camera may move at least before the decision changes, int64 [n] below 2**28.

    |d - D| >= (|d² - D²| - d² / 2**13) / (2 · max(d, D)) with D the distance at which the node has
    the threshold's size; the root by table from below, the subtraction for the rounding of d.
    """
    larger = torch.maximum(decision.left, decision.right)
    gap = ((decision.left - decision.right).abs() - (decision.right >> GUARD_SHIFT)).clamp(min=0)
    pairs = ((DOUBLE_BITS - bit_length(larger)) >> 1).clamp(min=0, max=3)
    index = (larger << (2 * pairs)) >> 34
    root = step_look_up(spec.slack_rsqrt, index)
    product = ((gap << (2 * pairs)) >> 25) * root
    return ((product << 2) >> (decision.zeros + pairs)) & ((1 << SLACK_BITS) - 1)
