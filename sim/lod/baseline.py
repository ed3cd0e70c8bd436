"""The same cut on a processor: every node for itself, and level by level from the root."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from golden.lod.hierarchy import Hierarchy
from golden.lod.load import leaves, load_hierarchy
from golden.lod.reference import find_cut
from golden.scenes import Camera, orbit, orbit_name
from sim.kernel.baseline import Measured, WrongAnswerError, entry
from sim.kernel.processors import Processor, measure_everywhere
from sim.lod.workload import known_trees, search_info

TAUS = (3.0, 30.0)
VIEW = (1, 3)  # K of N around the tree
Search = Callable[[], torch.Tensor]


class DeviceTree:
    """A hierarchy's arrays on a device, float32, and the two searches over them."""

    def __init__(self, tree: Hierarchy, device: str) -> None:
        def put(values: Any, kind: torch.dtype) -> torch.Tensor:
            return torch.from_numpy(values).to(device, kind)

        self.low, self.high, self.size = (put(v, torch.float32) for v in (tree.low, tree.high, tree.size))
        self.leaf = put(tree.leaf, torch.bool)
        self.parent = put(tree.parent.clip(min=0), torch.int64)
        self.first, self.children = put(tree.first_child, torch.int64), put(tree.children, torch.int64)
        self.root = torch.zeros(1, dtype=torch.int64, device=device)

    def split(self, nodes: torch.Tensor | slice, camera: torch.Tensor, reach: float) -> torch.Tensor:
        """Inner nodes of the threshold's size or more; `reach` is (focal/tau)²."""
        axis = torch.maximum(self.low[nodes] - camera, camera - self.high[nodes]).clamp(min=0)
        return (self.size[nodes].square() * reach >= axis.square().sum(dim=1)) & ~self.leaf[nodes]

    def exhaustive(self, camera: torch.Tensor, reach: float) -> torch.Tensor:
        """One pass over all nodes: its parent is split, it is not (boxes and sizes nest, so no ancestor is asked)."""
        split = self.split(slice(None), camera, reach)
        above = split[self.parent]
        above[0] = True
        return torch.nonzero(above & ~split)[:, 0]

    def hierarchical(self, camera: torch.Tensor, reach: float) -> torch.Tensor:
        """Level by level: only children of split nodes are looked at."""
        level, cut = self.root, list[torch.Tensor]()
        while len(level):
            split = self.split(level, camera, reach)
            cut.append(level[~split])
            inner = level[split]
            count = self.children[inner]
            ends = torch.cumsum(count, 0)
            total = int(ends[-1]) if len(ends) else 0
            first = torch.repeat_interleave(self.first[inner] - (ends - count), count)
            level = first + torch.arange(total, device=first.device)
        return torch.sort(torch.cat(cut))[0]


def measure_tree(tree: Hierarchy, camera: Camera, tau: float, processor: Processor) -> list[dict[str, Any]]:
    """Both searches, measured after their answer has been compared with the reference's.

    Raises:
        WrongAnswerError: more nodes differ than float32 against float64 explains, one in 10,000.
    """
    arrays = DeviceTree(tree, processor.place)
    place = torch.from_numpy(camera.position).to(processor.place, torch.float32)
    reach = (max(camera.fx, camera.fy) / tau) ** 2
    expected = find_cut(tree, torch.from_numpy(camera.position), max(camera.fx, camera.fy), tau).cut
    entries: list[dict[str, Any]] = []
    for name, search in (("exhaustive", arrays.exhaustive), ("hierarchical", arrays.hierarchical)):
        got = torch.zeros(len(tree), dtype=torch.bool)
        got[search(place, reach).cpu()] = True
        different = int((got != expected).sum())
        if different > len(tree) / 10_000:
            raise WrongAnswerError(f"{name} search of {tree.scene.name} at {tau:g} px: {different} nodes differ")
        timed = processor.measure(lambda search=search: search(place, reach))
        names = search_info(tree, camera, tau, view=orbit_name(*VIEW))
        figures = {"cut_nodes": int(expected.sum()), "different_nodes": different}
        entries.append(entry(names, f"torch float32, {name}", timed, **figures))
    return entries


def measure(inputs: Sequence[str] = (), size: int = 512) -> tuple[list[Measured], list[str]]:
    """Every tree on the CPU, and on the GPU where there is one; and remarks."""
    trees = [load_hierarchy(source) for source in inputs or known_trees()]
    views = [(tree, orbit(leaves(tree), *VIEW, width=size, height=size)) for tree in trees]

    def entries(processor: Processor) -> list[dict[str, Any]]:
        return [e for tree, camera in views for tau in TAUS for e in measure_tree(tree, camera, tau, processor)]

    return measure_everywhere(entries)
