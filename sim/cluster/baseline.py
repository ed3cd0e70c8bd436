"""The same reduce, gather and decode step on a CPU by torch."""

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
from sim.kernel.baseline import Measured, WrongAnswerError, cpu_device, entry, time_runs
from sim.kernel.console import step

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


def _entry(op: str, run: Callable[[], Tensor], **names: object) -> dict[str, Any]:
    return entry({"scene": f"{op} of {NODES}", **names}, "torch on one memory, float32 sums", time_runs(run))


def measure_cpu(names: Sequence[str]) -> Measured:
    """Times reduce and gather of half messages, and a decode step of one head in float32.

    Raises:
        WrongAnswerError: an answer is not the definition's.
    """
    entries: list[dict[str, Any]] = []
    for size in SIZES:
        messages = _messages(size)
        if "reduce" in names:
            error = (_reduce(messages)[2].double() - reduce_sum(messages)).abs().max()
            if error > 2.0**-7:
                raise WrongAnswerError(f"torch's sum of {size} B differs by {error:.1e}")
            entries.append(_entry("reduce", lambda m=messages: _reduce(m), size=size, format="half", kind="sum"))
        if "gather" in names:
            entries.append(_entry("gather", lambda m=messages: _gather(m), size=size, format="half"))
    for tokens in TOKENS if "decode" in names else ():
        hidden, head = random_head(HEAD, HIDDEN, tokens - 1, 1)

        def run(hidden: Tensor = hidden, head: Head = head) -> Tensor:
            return attend(hidden, head)

        exact = attend(hidden.double(), Head(**{name: tensor.double() for name, tensor in vars(head).items()}))
        error = (run().double() - exact).norm() / exact.norm()
        if error > 1e-4:
            raise WrongAnswerError(f"torch's decode step over {tokens} tokens differs by {error:.1e}")
        entries.append(_entry("decode", run, size=tokens, head=HEAD, hidden=HIDDEN))
    return cpu_device(torch.get_num_threads()), entries


def measure(inputs: Sequence[str] = (), size: int = 0) -> tuple[list[Measured], list[str]]:
    """The chosen operations (all by default) on the CPU; sizes are fixed, `size` is not used.

    Raises:
        InputError: an operation that is not one of them.
    """
    for name in inputs:
        if name not in COLLECTIVES:
            raise InputError(f"--input must be one of {', '.join(COLLECTIVES)}, it is '{name}'")
    with step("timing on the CPU"):
        measured = measure_cpu(inputs or COLLECTIVES)
    return [measured], ["no kernel with distributed shared memory is part of this baseline: CPU only"]
