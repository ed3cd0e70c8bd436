"""Reduce, gather and decode step on one memory. Needs torch, or what a kernel says it needs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from torch import Tensor

from golden.cluster.dataflows import Head, attend
from sim.kernel.gpu_code import need_clusters, need_triton
from sim.kernel.problem import Kernel, Problem, Settings, Tensors, WrongAnswerError

MOST_REDUCED, MOST_DECODED = 2.0**-7, 1e-4  # largest difference of a sum; norm of a decode step's, over the answer's
HEAD = ("query", "key", "value", "output", "keys", "values", "turn")
DECODE = "decode"


def _reduce(inputs: Tensors, _: Settings) -> Callable[[], Tensor]:
    """Every node gets the sum: [N, elements] half."""
    messages = inputs["messages"]
    return lambda: messages.sum(0, keepdim=True).repeat(len(messages), 1)


def _gather(inputs: Tensors, _: Settings) -> Callable[[], Tensor]:
    """Every node gets all messages."""
    messages = inputs["messages"]
    return lambda: messages.reshape(1, -1).repeat(len(messages), 1)


def _decode(inputs: Tensors, _: Settings) -> Callable[[], Tensor]:
    hidden, head = inputs["hidden"], Head(**{name: inputs[name] for name in HEAD})
    return lambda: attend(hidden, head)


def _by_triton(name: str, inputs: Tensors, settings: Settings) -> Callable[[], Tensor]:
    from sim.cluster import triton_kernels

    return getattr(triton_kernels, name)(inputs, settings)


def _by_clusters(name: str, inputs: Tensors, settings: Settings) -> Callable[[], Tensor]:
    from sim.cluster import cluster_kernels

    return getattr(cluster_kernels, name)(inputs, settings)


def _near(got: Tensor, problem: Problem) -> dict[str, Any]:
    """Of every node's sum, or of every node's messages."""
    error = float((got.cpu().double() - problem.answer["result"]).abs().max())
    if not error <= MOST_REDUCED:
        size = problem.workload["size"]
        raise WrongAnswerError(f"{problem.kernel} of {size} B differs by {error:.1e}")
    return {}


def _close(got: Tensor, problem: Problem) -> dict[str, Any]:
    exact = problem.answer["result"]
    error = float((got.cpu().double() - exact).norm() / exact.norm())
    if not error <= MOST_DECODED:
        raise WrongAnswerError(f"{problem.kernel} over {problem.workload['size']} tokens differs by {error:.1e}")
    return {}


def _kernels(name: str, make: Callable[[Tensors, Settings], Callable[[], Tensor]]) -> dict[str, Kernel]:
    """An operation by torch, by Triton, and by a kernel whose blocks meet in distributed shared memory."""
    judge = _close if name == DECODE else _near
    roof = "memory" if name == DECODE else None  # a collective of some KiB takes the time of its launches
    of_a_gpu = {"judge": judge, "roof": roof, "kinds": ("cuda",)}
    return {
        name: Kernel(make=make, judge=judge, roof=roof),
        f"{name}, Triton": Kernel(make=partial(_by_triton, name), needs=need_triton, **of_a_gpu),
        f"{name}, clusters": Kernel(make=partial(_by_clusters, name), needs=need_clusters, **of_a_gpu),
    }


KERNELS = {**_kernels("reduce", _reduce), **_kernels("gather", _gather), **_kernels(DECODE, _decode)}
