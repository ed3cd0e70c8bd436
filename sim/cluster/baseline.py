"""The same reduce, gather and decode step on the CPU and on a CUDA device."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from golden.cluster.dataflows import Head, attend
from golden.cluster.heads import random_head
from golden.cluster.reference import reduce_sum
from golden.cluster.spec import ElementType
from golden.errors import InputError
from hw.cluster.config import default
from sim.cluster.compared import HEAD, HIDDEN, SIZES, TOKENS
from sim.cluster.workload import random_messages
from sim.kernel.baseline import Measured
from sim.kernel.problem import Problem, draws
from sim.kernel.processors import solve_everywhere

NODES = 4
LENGTHS = (*SIZES, 262144)  # bytes of a node's message
STEPS = (TOKENS, 4096, 16384)  # tokens of a decode step
OPERATIONS = ("reduce", "gather", "decode")
#: By a kernel's name behind the operation's.
METHODS = {
    "": "torch on one memory, float32 sums",
    ", Triton": "Triton on one memory, float32 sums",
    ", clusters": "CUDA, distributed shared memory, float32 sums",
}


def problems(inputs: Sequence[str] = (), size: int = 0, views: int = 0) -> Iterator[Problem]:
    """The chosen operations (all by default), at fixed sizes.

    Args:
        views: so many draws more of what the comparison shows: of the messages; of the token, by the same head.

    Raises:
        InputError: an operation that is not one of them.
    """
    for name in inputs:
        if name not in OPERATIONS:
            raise InputError(f"--input must be one of {', '.join(OPERATIONS)}, it is '{name}'")
    chosen = inputs or OPERATIONS
    for length in LENGTHS:
        for view in draws(views if length in SIZES else 0):
            messages = _messages(length, view.seed)
            names = {"size": length, "format": "half", **view.names}
            if "reduce" in chosen:
                sums = reduce_sum(messages).expand(NODES, -1)
                yield from _problems("reduce", {"messages": messages}, sums, kind="sum", **names)
            if "gather" in chosen:
                whole = messages.double().reshape(1, -1).expand(NODES, -1)
                yield from _problems("gather", {"messages": messages}, whole, **names)
    for tokens in STEPS if "decode" in chosen else ():
        first, head = random_head(HEAD, HIDDEN, tokens - 1, 1)
        wide = Head(**{name: tensor.double() for name, tensor in vars(head).items()})
        for view in draws(views if tokens == TOKENS else 0):
            hidden = random_head(HEAD, HIDDEN, 1, view.seed)[0] if view.names else first
            exact = attend(hidden.double(), wide)
            given = {"hidden": hidden, **vars(head)}
            yield from _problems("decode", given, exact, size=tokens, head=HEAD, hidden=HIDDEN, **view.names)


def _problems(name: str, inputs: dict[str, Tensor], result: Tensor, **names: object) -> Iterator[Problem]:
    """An operation for every kernel that does it."""
    workload = {"scene": f"{name} of {NODES}", **names}
    for suffix, method in METHODS.items():
        yield Problem(
            engine="cluster", kernel=f"{name}{suffix}", method=method, workload=workload, inputs=inputs, settings={},
            answer={"result": result},
        )  # fmt: skip


def _messages(size: int, seed: int) -> Tensor:
    config = default()
    config = replace(config, spec=replace(config.spec, nodes=NODES))
    return torch.from_numpy(random_messages(config, size, ElementType.HALF, seed).view(np.float16))


def measure(inputs: Sequence[str] = (), size: int = 0, views: int = 0) -> tuple[list[Measured], list[str]]:
    """The chosen operations on the CPU, and on the GPU where there is one; and remarks."""
    return solve_everywhere(problems(inputs, size, views))
