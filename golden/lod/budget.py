"""The finest cut within a budget of Gaussians, by sorting: what a search over thresholds must find.

Gaussians are counted, not nodes, as they are what a renderer stores and draws; where nodes stand for one each and
keep none when they are split, as in trees over a scene, the two are the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from golden.errors import InputError
from golden.integers import bit_length
from golden.lod.hierarchy import Hierarchy, Ints
from golden.lod.model import SearchModel
from golden.lod.size_check import size_check
from golden.lod.threshold import FRACTION, Thresholds
from golden.lod.view import View

NEVER_SPLIT = 1 << 40  # the code of a leaf: beyond all of `Thresholds`


@dataclass(frozen=True, kw_only=True)
class Budgeted:
    """The largest code whose cut is within the budget, and the sizes of its cut and of the next finer one."""

    code: int
    gaussians: int
    finer: int | None  #: of the code after it; None at the finest


def growth(tree: Hierarchy) -> Ints:
    """Gaussians that a cut gains where a node is split: its children's and those that it keeps, less its own. [N]

    Raises:
        InputError: a cut would lose some, so that a finer one may have fewer and no search can tell the finest.
    """
    inner = np.flatnonzero(~tree.leaf)
    below = np.bincount(tree.parent[1:], tree.gaussians[1:], len(tree)).astype(np.int64)
    gain = np.where(tree.leaf, 0, below + tree.kept - tree.gaussians)
    worse = inner[(gain[inner] < 0) & np.isfinite(tree.size[inner])]
    if len(worse):
        node = int(worse[0])
        raise InputError(
            f"{tree.scene.name}: a budget needs nodes that do not stand for more Gaussians than they are split into, "
            f"node {node} has {tree.gaussians[node]} and is split into {tree.gaussians[node] + gain[node]}"
        )
    return gain


def splitting_codes(model: SearchModel, view: View) -> Ints:
    """The least code at which each node of the hierarchy, and all above it, are big; `NEVER_SPLIT` at leaves. [N]"""
    tree, places = model.tree.hierarchy, model.tree.node
    own = torch.from_numpy(~model.tree.step) & model.inner
    codes = np.full(len(tree), NEVER_SPLIT)
    codes[places[own.numpy()]] = _big_from(model, view)[own.reshape(-1)].numpy()
    for level in tree.levels()[1:]:
        codes[level] = np.maximum(codes[level], codes[tree.parent[level]])
    return codes


def _big_from(model: SearchModel, view: View) -> torch.Tensor:
    """The least code at which size² · 2**(2 · (exponent + zeros) - 16) · (focal/tau)² >= d², int64 [B · S]."""
    spec, exponent = model.spec, model.exponent
    decision = size_check(
        spec, model.low, model.high, model.mantissa, exponent, torch.from_numpy(view.camera), view.factor,
        view.exponent(spec.size_bits),
    )  # fmt: skip
    square = decision.right >> 3
    side = ((1 << spec.size_bits) + model.mantissa) ** 2
    # square / side · 2**up lies in [2**16, 2**18): a factor, or one and a half.
    up = FRACTION + 1 + bit_length(side) - bit_length(square)
    up = up - ((square << up.clamp(min=0)) >= (side << (FRACTION + 1 + (-up).clamp(min=0)))).long()
    numerator, denominator = square << up.clamp(min=0), side << (-up).clamp(min=0)
    factor = -(-numerator // denominator)  # 2**17 where it is rounded up to the next power
    power = FRACTION - 2 * (exponent + decision.zeros) - up
    return torch.where(square > 0, (power << FRACTION) + factor - (1 << FRACTION), -NEVER_SPLIT)


def finest_by_sorting(model: SearchModel, view: View, budget: int, thresholds: Thresholds) -> Budgeted:
    """Splits nodes in the order of their codes as long as the cut stays within the budget.

    Args:
        view: its camera; the threshold is not looked at.

    Raises:
        InputError: a budget below the coarsest cut, or what `growth` refuses.
    """
    tree = model.tree.hierarchy
    gain, codes = growth(tree), splitting_codes(model, view)

    def size_at(code: int) -> int:
        return int(tree.gaussians[0] + gain[codes <= code].sum())

    coarsest = size_at(thresholds.coarsest)
    if coarsest > budget:
        raise over_budget(budget, coarsest)
    order = np.argsort(codes, kind="stable")
    order = order[(codes[order] > thresholds.coarsest) & (codes[order] <= thresholds.finest)]
    over = int(np.searchsorted(coarsest + np.cumsum(gain[order]), budget, side="right"))
    if over == len(order):
        return Budgeted(code=thresholds.finest, gaussians=size_at(thresholds.finest), finer=None)
    code = int(codes[order[over]]) - 1
    return Budgeted(code=code, gaussians=size_at(code), finer=size_at(code + 1))


def over_budget(budget: int, coarsest: int) -> InputError:
    """The refusal of a budget that no cut keeps within."""
    return InputError(f"lod: a budget must be at least {coarsest} Gaussians, the coarsest cut, it is {budget}")
