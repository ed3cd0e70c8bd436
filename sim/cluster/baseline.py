"""The same reduce, gather and decode step by torch, on the CPU and on a CUDA device."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from golden.cluster.dataflows import Head, attend
from golden.cluster.heads import random_head
from golden.cluster.reference import reduce_sum
from golden.cluster.spec import ElementType
from golden.errors import InputError
from hw.cluster.config import default
from sim.cluster.workload import random_messages
from sim.kernel.baseline import Measured, WrongAnswerError, entry
from sim.kernel.processors import Processor, measure_everywhere

NODES = 4
SIZES = (1024, 32768, 262144)  # bytes of a node's message
TOKENS = (1024, 4096, 16384)
HEAD, HIDDEN = 128, 4096
COLLECTIVES = ("reduce", "gather", "decode")


def _reduce(messages: Tensor) -> Tensor:
    """Every node gets the sum: [N, elements] half."""
    return messages.sum(0, keepdim=True).repeat(len(messages), 1)


def _gather(messages: Tensor) -> Tensor:
    """Every node gets all messages."""
    return messages.reshape(1, -1).repeat(len(messages), 1)


def _messages(size: int) -> Tensor:
    config = default()
    config = replace(config, spec=replace(config.spec, nodes=NODES))
    return torch.from_numpy(random_messages(config, size, ElementType.HALF, 1).view(np.float16))


def measure_on(processor: Processor, names: Sequence[str]) -> list[dict[str, Any]]:
    """Measures reduce and gather of half messages, and a decode step of one head in float32.

    Raises:
        WrongAnswerError: an answer is not the definition's.
    """
    entries: list[dict[str, Any]] = []

    def add(op: str, run: Callable[[], Tensor], **names: object) -> None:
        workload = {"scene": f"{op} of {NODES}", **names}
        entries.append(entry(workload, "torch on one memory, float32 sums", processor.measure(run)))

    for size in SIZES:
        messages = _messages(size)
        there = messages.to(processor.place)
        if "reduce" in names:
            error = (_reduce(there)[2].cpu().double() - reduce_sum(messages)).abs().max()
            if error > 2.0**-7:
                raise WrongAnswerError(f"torch's sum of {size} B differs by {error:.1e}")
            add("reduce", lambda m=there: _reduce(m), size=size, format="half", kind="sum")
        if "gather" in names:
            add("gather", lambda m=there: _gather(m), size=size, format="half")
    for tokens in TOKENS if "decode" in names else ():
        hidden, head = random_head(HEAD, HIDDEN, tokens - 1, 1)
        exact = attend(hidden.double(), Head(**{name: tensor.double() for name, tensor in vars(head).items()}))
        hidden = hidden.to(processor.place)
        head = Head(**{name: tensor.to(processor.place) for name, tensor in vars(head).items()})
        error = (attend(hidden, head).cpu().double() - exact).norm() / exact.norm()
        if error > 1e-4:
            raise WrongAnswerError(f"torch's decode step over {tokens} tokens differs by {error:.1e}")
        add("decode", lambda x=hidden, h=head: attend(x, h), size=tokens, head=HEAD, hidden=HIDDEN)
    return entries


def measure(inputs: Sequence[str] = (), size: int = 0) -> tuple[list[Measured], list[str]]:
    """The chosen operations (all by default) on the CPU, and on the GPU where there is one; sizes are fixed.

    Raises:
        InputError: an operation that is not one of them.
    """
    for name in inputs:
        if name not in COLLECTIVES:
            raise InputError(f"--input must be one of {', '.join(COLLECTIVES)}, it is '{name}'")
    measured, remarks = measure_everywhere(lambda processor: measure_on(processor, inputs or COLLECTIVES))
    return measured, [*remarks, "no kernel with distributed shared memory is part of this baseline"]
