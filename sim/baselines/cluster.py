"""The same reduce, gather and merge on a CPU by torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from golden.cluster.decode import attention
from golden.cluster.reference import reduce_sum
from golden.errors import InputError
from sim.baselines.record import WrongAnswerError, cpu_device, save, time_runs
from sim.console import step

NODES = 4
SIZES = (1024, 32768, 262144)  # bytes of a node's message
TOKENS = (1024, 4096, 16384)
HEAD = 128
COLLECTIVES = ("reduce", "gather", "decode")


def _reduce(messages: Tensor) -> Tensor:
    """Every node gets the sum: [N, elements] half."""
    return messages.sum(0, keepdim=True).repeat(len(messages), 1)


def _gather(messages: Tensor) -> Tensor:
    """Every node gets all messages."""
    return messages.reshape(1, -1).repeat(len(messages), 1)


def _messages(size: int) -> Tensor:
    rng = np.random.default_rng(1)
    return torch.from_numpy(rng.standard_normal((NODES, size // 2)).astype(np.float16))


def _entry(op: str, size: dict[str, Any], run: Callable[[], Tensor]) -> dict[str, Any]:
    return {"workload": {"scene": f"{op} of {NODES}", **size}, **time_runs(run), "energy_mj": None}


def measure_cpu(names: Sequence[str]) -> Path:
    """Times reduce and gather of half messages, and decode attention of one query in float32.

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
            entries.append(_entry("reduce", {"size": size}, lambda messages=messages: _reduce(messages)))
        if "gather" in names:
            entries.append(_entry("gather", {"size": size}, lambda messages=messages: _gather(messages)))
    for tokens in TOKENS if "decode" in names else ():
        generator = torch.Generator().manual_seed(1)
        q, k, v = (torch.randn((n, HEAD), generator=generator) for n in (1, tokens, tokens))

        def run(q: Tensor = q, k: Tensor = k, v: Tensor = v) -> Tensor:
            return torch.nn.functional.scaled_dot_product_attention(q[None], k[None], v[None])[0]

        error = (run()[0].double() - attention(q[0], k, v, HEAD**-0.5)).abs().max()
        if error > 1e-5:
            raise WrongAnswerError(f"torch's attention over {tokens} tokens differs by {error:.1e}")
        entries.append(_entry("decode", {"size": tokens}, run))
    method = "torch: sum and repeat, repeat, scaled_dot_product_attention (one query, head of 128, without projections)"
    return save("cluster", cpu_device(torch.get_num_threads()), method, entries)


def measure(inputs: Sequence[str] = (), size: int = 0) -> tuple[list[Path], list[str]]:
    """The chosen operations (all by default) on the CPU; sizes are fixed, `size` is not used.

    Raises:
        InputError: an operation that is not one of them.
    """
    for name in inputs:
        if name not in COLLECTIVES:
            raise InputError(f"--input must be one of {', '.join(COLLECTIVES)}, it is '{name}'")
    with step("timing on the CPU"):
        path = measure_cpu(inputs or COLLECTIVES)
    return [path], ["no kernel with distributed shared memory is part of this baseline: CPU only"]
