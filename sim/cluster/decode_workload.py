"""A decode step of one head as a program of the cluster: fused, or through external memory; and heads to decode."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from golden.arrays import UNREADABLE, finite_singles, npz_arrays, reason
from golden.cluster.spec import Dataflow, Schedule
from golden.errors import InputError
from hw.cluster.config import Config
from sim.cluster.workload import WATCHDOG, ClusterWorkload

if TYPE_CHECKING:  # torch is slow to import
    from torch import Tensor

    from golden.cluster.dataflows import Head


@dataclass(frozen=True, kw_only=True)
class DecodeWorkload(ClusterWorkload):
    """One step; the result is the head's contribution [D], D/N singles a node first."""

    hidden: Tensor  # [D]
    head: Head

    @property
    def output_bytes(self) -> int:
        """Of the contribution in one node's part of the result."""
        return 4 * len(self.hidden) // self.config.spec.nodes


def prepare_step(
    config: Config, hidden: Tensor, head: Head, *, dataflow: Dataflow = Dataflow.TOKEN,
    schedule: Schedule = Schedule.XOR, unfused: bool = False, trace: bool = False,
) -> DecodeWorkload:  # fmt: skip
    """Quantises the head, shares it out, and lays out the program of `golden.cluster.fused_decode`.

    Raises:
        InputError: the head does not fit the nodes or their memories.
    """
    from golden.cluster.fused_decode import fused_decode
    from golden.cluster.head import share

    spec = config.spec
    shared = share(hidden, head, spec, dataflow)
    commands, image = fused_decode(shared, schedule=schedule, unfused=unfused, trace=trace, watchdog=WATCHDOG)
    names = {
        "scene": f"decode of {spec.nodes}",
        "size": shared.tokens,
        "op": "unfused decode" if unfused else "fused decode",
        "schedule": schedule.name.lower(),
        "nodes": spec.nodes,
        "head": shared.size,
        "hidden": len(hidden),
        "tokens": shared.tokens,
        "weight_bits": spec.weight_bits,
        "activation_bits": spec.activation_bits,
    }
    return DecodeWorkload(
        config=config, commands=tuple(commands), memory=image, names=names, hidden=hidden, head=head
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class StepSource:
    """Where hidden vector and head come from: a file's weights, a cache in a file, or random numbers."""

    file: Path | None
    layer: int
    head: int
    query: int
    size: int
    hidden: int
    tokens: int
    seed: int

    def load(self) -> tuple[Tensor, Head]:
        """Hidden vector and head: random, of a head's file, or around a cache with K, V and Q.

        Raises:
            InputError: the file holds neither, or no such layer, head, query, not as many tokens, or a
                value that float32 does not hold.
        """
        from golden.cluster.heads import load_head, random_head

        if self.file is None:
            return random_head(self.size, self.hidden, self.tokens, self.seed)
        try:
            found = npz_arrays(self.file, ("Q", "K", "V"))
        except UNREADABLE as error:
            raise InputError(f"{self.file}: no .npz file: {reason(error)}") from error
        return self._around(self.file, found) if found else load_head(self.file)

    def _around(self, file: Path, found: dict[str, np.ndarray]) -> tuple[Tensor, Head]:
        import torch

        from golden.cluster.heads import around_cache

        if len(found) < 3 or any(array.ndim != 4 for array in found.values()):
            raise InputError(f"{file}: Q, K and V must be [layers, heads, tokens, d]")
        layers, heads, tokens = found["K"].shape[:3]
        for name, value, count in (
            ("--layer", self.layer, layers),
            ("--head", self.head, heads),
            ("--query", self.query, found["Q"].shape[2]),
        ):
            if not 0 <= value < count:
                raise InputError(f"{name} must lie in 0..{count - 1} for {file.name}, it is {value}")
        if self.tokens > tokens:
            raise InputError(f"--tokens must be at most {tokens} for {file.name}, it is {self.tokens}")
        parts = {name: array[self.layer, self.head] for name, array in found.items()}
        q, k, v = (torch.from_numpy(finite_singles(f"{file}: {name}", parts[name])) for name in ("Q", "K", "V"))
        return around_cache(q[self.query], k[: self.tokens], v[: self.tokens], self.hidden, self.seed)
