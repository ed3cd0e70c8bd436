"""The cut on a processor: every node for itself, and level by level. Needs torch, or Triton where it says so."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from sim.kernel.gpu_code import need_triton
from sim.kernel.problem import Kernel, Problem, Settings, Tensors, WrongAnswerError

MOST_DIFFERENT = 1e-4  # of the nodes: what float32 against float64 explains


def _split(tree: Tensors, nodes: Tensor | slice, reach: float) -> Tensor:
    """Inner nodes of the threshold's size or more; `reach` is (focal/tau)²."""
    axis = torch.maximum(tree["low"][nodes] - tree["camera"], tree["camera"] - tree["high"][nodes]).clamp(min=0)
    return (tree["size"][nodes].square() * reach >= axis.square().sum(dim=1)) & ~tree["leaf"][nodes]


def _exhaustive(tree: Tensors, settings: Settings) -> Callable[[], Tensor]:
    """One pass over all nodes: its parent is split, it is not (boxes and sizes nest, so no ancestor is asked)."""

    def search() -> Tensor:
        split = _split(tree, slice(None), settings["reach"])
        above = split[tree["parent"]]
        above[0] = True
        return torch.nonzero(above & ~split)[:, 0]

    return search


def _hierarchical(tree: Tensors, settings: Settings) -> Callable[[], Tensor]:
    """Level by level: only children of split nodes are looked at."""
    root = tree["parent"].new_zeros(1)

    def search() -> Tensor:
        level, cut = root, list[Tensor]()
        while len(level):
            split = _split(tree, level, settings["reach"])
            cut.append(level[~split])
            inner = level[split]
            count = tree["children"][inner]
            ends = torch.cumsum(count, 0)
            total = int(ends[-1]) if len(ends) else 0
            first = torch.repeat_interleave(tree["first"][inner] - (ends - count), count)
            level = first + torch.arange(total, device=first.device)
        return torch.sort(torch.cat(cut))[0]

    return search


def _exhaustive_by_triton(tree: Tensors, settings: Settings) -> Callable[[], Tensor]:
    from sim.lod.triton_cut import exhaustive

    return exhaustive(tree, settings)


def _judge(name: str, cut: Tensor, problem: Problem) -> dict[str, Any]:
    expected = problem.answer["cut"]
    got = torch.zeros_like(expected)
    got[cut.cpu()] = True
    different = int((got != expected).sum())
    if different > len(expected) * MOST_DIFFERENT:
        tree, tau = problem.workload["tree"], problem.workload["tau_px"]
        raise WrongAnswerError(f"{name} search of {tree} at {tau:g} px: {different} nodes differ")
    return {"cut_nodes": int(expected.sum()), "different_nodes": different}


KERNELS = {
    "exhaustive": Kernel(make=_exhaustive, judge=partial(_judge, "exhaustive"), roof="memory"),
    "exhaustive, Triton": Kernel(
        make=_exhaustive_by_triton, judge=partial(_judge, "exhaustive"), roof="memory", kinds=("cuda",),
        needs=need_triton,
    ),
    "hierarchical": Kernel(make=_hierarchical, judge=partial(_judge, "hierarchical")),  # a launch for each level
}  # fmt: skip
