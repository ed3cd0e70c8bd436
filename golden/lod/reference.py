"""The cut in floating point, as hierarchical 3D Gaussians define it (`runtime_switching.cu`)."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from golden.lod.hierarchy import Hierarchy


@dataclass(frozen=True, kw_only=True)
class Cut:
    """Boolean tensors [N] over the nodes of a hierarchy."""

    visited: torch.Tensor  #: the root, and every node whose parent is expanded
    cut: torch.Tensor  #: visited, seen and not expanded
    size: torch.Tensor  #: float64 [N], size in pixels; infinite inside the box


def pixel_size(tree: Hierarchy, position: torch.Tensor, focal: float) -> torch.Tensor:
    """focal · size / distance to the box, float64 [N]; infinite where the camera is in the box."""
    low, high, size = (torch.from_numpy(v) for v in (tree.low, tree.high, tree.size))
    nearest = torch.maximum(torch.maximum(low - position, position - high), torch.zeros(()))
    distance = nearest.square().sum(dim=1).sqrt()
    return torch.where(distance > 0, focal * size / distance.clamp(min=1e-300), torch.inf)


def find_cut(
    tree: Hierarchy, position: torch.Tensor, focal: float, tau: float, seen: torch.Tensor | None = None
) -> Cut:
    """A visited inner node of `tau` pixels or more is expanded; what is visited and not expanded is the cut.

    Args:
        seen: bool [N]; inner nodes that are not are neither expanded nor on the cut. None: all are.
    """
    size, leaf = pixel_size(tree, position, focal), torch.from_numpy(tree.leaf)
    shown = torch.ones_like(leaf) if seen is None else seen | leaf
    expanded = (size >= tau) & ~leaf & shown
    visited = torch.zeros(len(tree), dtype=torch.bool)
    visited[0] = True
    parent = torch.from_numpy(tree.parent)
    for level in tree.levels()[1:]:
        nodes = torch.from_numpy(level)
        above = parent[nodes]
        visited[nodes] = visited[above] & expanded[above]
    return Cut(visited=visited, cut=visited & ~expanded & shown, size=size)
