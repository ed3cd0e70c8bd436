"""Reduce, gather and decode step on one memory. Needs nothing but torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from golden.cluster.dataflows import Head, attend
from sim.kernel.problem import Kernel, Problem, Settings, Tensors, WrongAnswerError

MOST_REDUCED, MOST_DECODED = 2.0**-7, 1e-4  # largest difference of a sum; norm of a decode step's, over the answer's
HEAD = ("query", "key", "value", "output", "keys", "values")


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


def _near(got: Tensor, problem: Problem) -> dict[str, Any]:
    """Of every node's sum, or of every node's messages."""
    error = float((got.cpu().double() - problem.answer["result"]).abs().max())
    if not error <= MOST_REDUCED:
        what, size = problem.kernel, problem.workload["size"]
        raise WrongAnswerError(f"torch's {what} of {size} B differs by {error:.1e}")
    return {}


def _close(got: Tensor, problem: Problem) -> dict[str, Any]:
    exact = problem.answer["result"]
    error = float((got.cpu().double() - exact).norm() / exact.norm())
    if not error <= MOST_DECODED:
        raise WrongAnswerError(f"torch's decode step over {problem.workload['size']} tokens differs by {error:.1e}")
    return {}


KERNELS = {
    "reduce": Kernel(make=_reduce, judge=_near, roof="memory"),
    "gather": Kernel(make=_gather, judge=_near, roof="memory"),
    "decode": Kernel(make=_decode, judge=_close, roof="memory"),
}
