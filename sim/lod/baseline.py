"""The same cut on a processor: every node for itself, and level by level from the root."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch

from golden.lod.hierarchy import Hierarchy
from golden.lod.load import leaves, load_hierarchy
from golden.lod.reference import find_cut
from golden.scenes import Camera, orbit, orbit_name
from sim.kernel.baseline import Measured
from sim.kernel.problem import Problem
from sim.kernel.processors import solve_everywhere
from sim.lod.kernels import KERNELS
from sim.lod.workload import known_trees, search_info

TAUS = (3.0, 30.0)
VIEW = (1, 3)  # K of N around the tree


def problems(inputs: Sequence[str] = (), size: int = 512, views: int = 0) -> Iterator[Problem]:
    """View 1 of 3 of every tree, and as many more around it, at each threshold, for both searches."""
    for source in inputs or known_trees():
        tree = load_hierarchy(source)
        arrays = _arrays(tree)
        for place, count in (VIEW, *((k, views) for k in range(views))):
            camera = orbit(leaves(tree), place, count, width=size, height=size)
            for tau in TAUS:
                yield from _search(tree, arrays, camera, tau, orbit_name(place, count))


def _arrays(tree: Hierarchy) -> dict[str, torch.Tensor]:
    def put(values: Any, kind: torch.dtype) -> torch.Tensor:
        return torch.from_numpy(values).to(kind)

    return {
        **{name: put(getattr(tree, name), torch.float32) for name in ("low", "high", "size")},
        "leaf": put(tree.leaf, torch.bool), "parent": put(tree.parent.clip(min=0), torch.int64),
        "first": put(tree.first_child, torch.int64), "children": put(tree.children, torch.int64),
    }  # fmt: skip


def _search(
    tree: Hierarchy, arrays: dict[str, torch.Tensor], camera: Camera, tau: float, view: str
) -> Iterator[Problem]:
    focal, position = max(camera.fx, camera.fy), torch.from_numpy(camera.position)
    cut = find_cut(tree, position, focal, tau).cut
    for name in KERNELS:
        yield Problem(
            engine="lod", kernel=name, method=f"torch float32, {name}",
            workload=search_info(tree, camera, tau, view=view), inputs=arrays | {"camera": position.float()},
            settings={"reach": (focal / tau) ** 2}, answer={"cut": cut},
        )  # fmt: skip


def measure(inputs: Sequence[str] = (), size: int = 512, views: int = 0) -> tuple[list[Measured], list[str]]:
    """Every tree on the CPU, and on the GPU where there is one; and remarks."""
    return solve_everywhere(problems(inputs, size, views))
