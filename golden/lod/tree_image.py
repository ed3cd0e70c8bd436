"""An SLTree in the engine's number formats. Every rounding makes a node look larger, never smaller."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from golden.lod.hierarchy import Doubles, Ints
from golden.lod.sltree import NONE, SLTree
from golden.lod.spec import CAMERA_BITS, GRID_BITS, SIZE_EXPONENT_BITS, Spec

MIN_SIZE_EXPONENT, MAX_SIZE_EXPONENT = -16, 15


@dataclass(frozen=True, kw_only=True)
class TreeImage:
    """Codes by place, [B, S] or [B, S, 3]; frames by subtree, [B] or [B, 3]. Zero where there is no node.

    The grid's cell is a power of two of the scene's unit. A subtree's frame has its own origin on
    the grid and a power of two of cells as its step on each axis.
    """

    sltree: SLTree
    cell: float
    corner: Doubles  # [3] the grid's origin
    origin: Ints  # [B, 3] cells
    exponent: Ints  # [B, 3]
    size_exponent: Ints  # [B]
    low: Ints  # [B, S, 3]
    high: Ints
    mantissa: Ints  # [B, S]
    node_exponent: Ints
    leaf: np.ndarray  # [B, S] bool; False where there is no node
    endless: bool  # some sizes have no code: they are split at thresholds up to `highest_tau`

    @property
    def spec(self) -> Spec:
        return self.sltree.spec

    def highest_tau(self, focal: float) -> float:
        """Pixels up to which every size without a code is split, from wherever a camera can be.

        No camera is farther from a box, along an axis, than its cube and the grid reach.
        """
        if not self.endless:
            return math.inf
        farthest = math.sqrt(3) * ((1 << (CAMERA_BITS - 1)) + (1 << GRID_BITS))
        return focal * _largest_size(self.spec) / farthest

    @property
    def used(self) -> np.ndarray:
        return self.sltree.node >= 0


def build_tree_image(sltree: SLTree) -> TreeImage:
    """Quantises boxes outwards and sizes upwards. Leaves, which are never tested, keep neither."""
    tree, spec = sltree.hierarchy, sltree.spec
    used = sltree.node >= 0
    node = np.where(used, sltree.node, 0)
    leaf = used & tree.leaf[node]
    inner = used & ~leaf
    corner = tree.low.min(axis=0)
    extent = float((tree.high.max(axis=0) - corner).max())
    cell = 2.0 ** math.ceil(math.log2(max(extent, 1e-30) / ((1 << GRID_BITS) - 1)))
    low = np.where(inner[..., None], (tree.low[node] - corner) / cell, np.inf)
    high = np.where(inner[..., None], (tree.high[node] - corner) / cell, -np.inf)
    some = np.any(inner, axis=1)
    origin = np.floor(np.where(some[:, None], low.min(axis=1), 0)).astype(np.int64)
    span = np.where(some[:, None], high.max(axis=1), 0) - origin
    steps = (1 << spec.box_bits) - 1
    exponent = np.ceil(np.log2(np.maximum(span / steps, 1))).astype(np.int64)
    exponent += np.ceil(span / 2.0**exponent) > steps
    step = (2.0**exponent)[:, None]
    low_code = np.where(inner[..., None], np.floor((low - origin[:, None]) / step), 0).astype(np.int64)
    high_code = np.where(inner[..., None], np.ceil((high - origin[:, None]) / step), 0).astype(np.int64)
    size = np.where(inner, np.where(sltree.step, np.inf, tree.size[node] / cell), 0)
    base, mantissa, node_exponent = _sizes(size, inner, spec)
    return TreeImage(
        sltree=sltree, cell=cell, corner=corner, origin=origin, exponent=exponent, size_exponent=base,
        low=low_code, high=high_code, mantissa=mantissa, node_exponent=node_exponent, leaf=leaf,
        endless=bool((size > _largest_size(spec)).any()),
    )  # fmt: skip


def _sizes(size: Doubles, inner: np.ndarray, spec: Spec) -> tuple[Ints, Ints, Ints]:
    """A subtree's exponent, and (2**size_bits + mantissa) · 2**(exponents) >= size for every inner node.

    Code 0, 0 means a leaf; sizes that would need it or less take the next larger code. Beyond the largest
    code, sizes are infinite: see `TreeImage.endless`.
    """
    one, top = 1 << spec.size_bits, (1 << SIZE_EXPONENT_BITS) - 1
    size = np.minimum(size, _largest_size(spec))
    largest = np.maximum(size.max(axis=1), 2.0**-30)
    base = np.ceil(np.log2(largest / (2 * one - 1))).astype(np.int64) - top
    base += np.ceil(largest / 2.0 ** (base + top)) > 2 * one - 1
    base = np.clip(base, MIN_SIZE_EXPONENT, MAX_SIZE_EXPONENT)
    scaled = size / (2.0**base)[:, None]
    exponent = np.clip(np.floor(np.log2(np.maximum(scaled, one) / one)), 0, top).astype(np.int64)
    code = np.ceil(scaled / 2.0**exponent).astype(np.int64)
    carry = (code > 2 * one - 1) & (exponent < top)  # rounded up to the next power of two
    exponent, code = exponent + carry, np.where(carry, one, code)
    mantissa = np.clip(code - one, 0, one - 1)
    mantissa = np.where((exponent == 0) & (mantissa == 0), 1, mantissa)
    return base, np.where(inner, mantissa, 0), np.where(inner, exponent, 0)


def _largest_size(spec: Spec) -> float:
    """In cells."""
    return ((2 << spec.size_bits) - 1) * 2.0 ** (MAX_SIZE_EXPONENT + (1 << SIZE_EXPONENT_BITS) - 1)


def cut_nodes(sltree: SLTree, cut: Ints) -> Ints:
    """Nodes of the hierarchy, ascending, whose bit is set in the masks [B]."""
    bits = (cut[:, None] >> np.arange(sltree.spec.subtree_nodes)) & 1
    chosen = sltree.node[bits.astype(bool)]
    if (chosen == NONE).any():
        raise ValueError("a mask has a bit where its subtree has no node")
    if sltree.step[bits.astype(bool)].any():
        raise ValueError("a mask has a bit at a step, which is always split")
    return np.sort(chosen)
