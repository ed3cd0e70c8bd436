"""The same reduce, gather and decode step by torch, on the CPU and on a CUDA device."""

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
from sim.cluster.kernels import KERNELS
from sim.cluster.workload import random_messages
from sim.kernel.baseline import Measured
from sim.kernel.problem import Problem
from sim.kernel.processors import solve_everywhere

NODES = 4
SIZES = (1024, 32768, 262144)  # bytes of a node's message
TOKENS = (1024, 4096, 16384)
HEAD, HIDDEN = 128, 4096
METHOD = "torch on one memory, float32 sums"


def problems(inputs: Sequence[str] = (), size: int = 0, views: int = 0) -> Iterator[Problem]:
    """The chosen operations (all by default); sizes are fixed, and there are no views.

    Raises:
        InputError: an operation that is not one of them.
    """
    for name in inputs:
        if name not in KERNELS:
            raise InputError(f"--input must be one of {', '.join(KERNELS)}, it is '{name}'")
    chosen = inputs or list(KERNELS)
    for length in SIZES:
        messages = _messages(length)
        if "reduce" in chosen:
            sums = reduce_sum(messages).expand(NODES, -1)
            yield _problem("reduce", {"messages": messages}, sums, size=length, format="half", kind="sum")
        if "gather" in chosen:
            whole = messages.double().reshape(1, -1).expand(NODES, -1)
            yield _problem("gather", {"messages": messages}, whole, size=length, format="half")
    for tokens in TOKENS if "decode" in chosen else ():
        hidden, head = random_head(HEAD, HIDDEN, tokens - 1, 1)
        exact = attend(hidden.double(), Head(**{name: tensor.double() for name, tensor in vars(head).items()}))
        yield _problem("decode", {"hidden": hidden, **vars(head)}, exact, size=tokens, head=HEAD, hidden=HIDDEN)


def _problem(kernel: str, inputs: dict[str, Tensor], result: Tensor, **names: object) -> Problem:
    return Problem(
        engine="cluster", kernel=kernel, method=METHOD, workload={"scene": f"{kernel} of {NODES}", **names},
        inputs=inputs, settings={}, answer={"result": result},
    )  # fmt: skip


def _messages(size: int) -> Tensor:
    config = default()
    config = replace(config, spec=replace(config.spec, nodes=NODES))
    return torch.from_numpy(random_messages(config, size, ElementType.HALF, 1).view(np.float16))


def measure(inputs: Sequence[str] = (), size: int = 0) -> tuple[list[Measured], list[str]]:
    """The chosen operations on the CPU, and on the GPU where there is one; and remarks."""
    measured, remarks = solve_everywhere(problems(inputs))
    return measured, [*remarks, "no kernel with distributed shared memory is part of this baseline"]
