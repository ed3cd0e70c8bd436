"""The cut by Triton: a pass in which every node asks itself and its parent. Needs torch and Triton."""

from __future__ import annotations

from collections.abc import Callable

import torch
import triton
import triton.language as tl
from torch import Tensor

from sim.kernel.problem import Settings, Tensors

BLOCK = 256  # nodes of a program


@triton.jit
def _outside(low, high, camera, node, there, axis: tl.constexpr):
    """How far the camera lies outside a node's box along an axis."""
    at = tl.load(camera + axis)
    below = tl.load(low + 3 * node + axis, mask=there, other=0.0) - at
    above = at - tl.load(high + 3 * node + axis, mask=there, other=0.0)
    return tl.maximum(tl.maximum(below, above), 0.0)


@triton.jit
def _split(low, high, size, leaf, camera, reach, node, there):
    """Inner nodes of the threshold's size or more; `reach` is (focal/tau)²."""
    x = _outside(low, high, camera, node, there, 0)
    y = _outside(low, high, camera, node, there, 1)
    z = _outside(low, high, camera, node, there, 2)
    extent = tl.load(size + node, mask=there, other=0.0)
    inner = tl.load(leaf + node, mask=there, other=1) == 0
    return (extent * extent * reach >= x * x + y * y + z * z) & inner


@triton.jit
def _cut(low, high, size, leaf, parent, camera, cut, nodes, reach, BLOCK: tl.constexpr):
    """1 for every node of the cut: its parent is split, it is not."""
    node = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    there = node < nodes
    above = tl.load(parent + node, mask=there, other=0)
    reached = _split(low, high, size, leaf, camera, reach, above, there) | (node == 0)
    whole = _split(low, high, size, leaf, camera, reach, node, there) == 0
    tl.store(cut + node, (reached & whole).to(tl.int8), mask=there)


def exhaustive(tree: Tensors, settings: Settings) -> Callable[[], Tensor]:
    """One kernel over all nodes, and the numbers of those that it marks."""
    nodes = len(tree["size"])
    leaf, parent = tree["leaf"].to(torch.int8), tree["parent"].to(torch.int32)
    cut = torch.empty_like(leaf)
    arrays = (tree["low"], tree["high"], tree["size"], leaf, parent, tree["camera"], cut)
    programs = triton.cdiv(nodes, BLOCK)

    def search() -> Tensor:
        _cut[(programs,)](*arrays, nodes, float(settings["reach"]), BLOCK=BLOCK)
        return torch.nonzero(cut)[:, 0]

    return search
