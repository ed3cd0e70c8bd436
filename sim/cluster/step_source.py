"""Heads to decode with: random ones, a file's, those of a model's layer, and ones around a cache."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from golden.arrays import UNREADABLE, finite_singles, npz_arrays, reason
from golden.errors import InputError

if TYPE_CHECKING:  # torch is slow to import
    from torch import Tensor

    from golden.cluster.dataflows import Head
    from golden.cluster.head import Calibration
    from golden.cluster.real_layer import RealLayer

Arrays = dict[str, npt.NDArray]
CACHE = ("K", "V")


@dataclass(frozen=True, kw_only=True)
class StepSource:
    """Where hidden vector and head come from."""

    file: Path | None  #: of a head, a model's layer, or a cache with queries; random numbers without it
    cache: Path | None  #: of a model's layer: the tokens before its hidden vectors
    calibrate: bool  #: weights of a model's layer on the hidden vectors before the one decoded
    layer: int
    head: int
    query: int | None  #: query row of a cache, hidden vector of a layer; the first, the last if left out
    size: int
    hidden: int
    tokens: int
    seed: int

    def load(self) -> tuple[Tensor, Head, Calibration | None]:
        """Hidden vector, head, and what its weights are calibrated on.

        Raises:
            InputError: the file holds no such thing, or no such layer, head, query, not as many tokens, or a
                value that float32 does not hold.
        """
        from golden.cluster.heads import load_head, random_head

        if self.file is None:
            return *random_head(self.size, self.hidden, self.tokens, self.seed), None
        found = _arrays(self.file, (*CACHE, "Q", "attn_q"))
        if "attn_q" in found:
            return self._of_layer(self.file)
        if self.cache:
            raise InputError(f"--cache is of a model's layer (attn_q, attn_k, attn_v, attn_output), not of {self.file}")
        return *(self._around(self.file, found) if found else load_head(self.file)), None

    def every_head(self) -> list[StepSource]:
        """A source for each key-value head of a model's layer, itself alone for anything else.

        Raises:
            InputError: the file cannot be read, or is no layer.
        """
        if self.file is None or "attn_q" not in _arrays(self.file, ("attn_q",)):
            return [self]
        from golden.cluster.real_layer import load_layer

        return [replace(self, head=number) for number in range(load_layer(self.file, self.size).key_heads)]

    def _of_layer(self, file: Path) -> tuple[Tensor, Head, Calibration | None]:
        """A key-value head with the query heads that share it."""
        from golden.cluster.real_layer import load_layer

        layer = load_layer(file, self.size)
        cache = self._before(layer, self.cache) if self.cache else None
        row = len(layer.hidden) - 1 if self.query is None else self.query
        head = layer.head(self.head, row, cache)
        known = range(0 if cache else 1, row) if self.calibrate else range(0)
        return layer.hidden[row], head, layer.calibration(self.head, known, cache) if known else None

    def _before(self, layer: RealLayer, file: Path) -> tuple[Tensor, Tensor]:
        """Keys and values of the latest `tokens` tokens before the layer's first hidden vector."""
        found = _arrays(file, CACHE)
        self._check(file, found, CACHE)
        if found["K"].shape[2] < layer.first or found["K"].shape[3] != layer.size:
            raise InputError(
                f"{file}: K must hold the {layer.first} tokens of {layer.size} before the layer's hidden vectors, it "
                f"is {list(found['K'].shape)}"
            )
        if self.tokens > layer.first:
            raise InputError(f"--tokens must be at most {layer.first}, those before the layer's, it is {self.tokens}")
        keys, values = self._parts(file, found, CACHE)
        latest = slice(layer.first - self.tokens, layer.first)
        return keys[latest], values[latest]

    def _around(self, file: Path, found: Arrays) -> tuple[Tensor, Head]:
        """Random weights around a cache and one of its queries."""
        from golden.cluster.heads import around_cache

        query = self.query or 0
        self._check(file, found, ("Q", *CACHE))
        _within("--query", query, found["Q"].shape[2], file)
        if self.tokens > found["K"].shape[2]:
            raise InputError(f"--tokens must be at most {found['K'].shape[2]} for {file.name}, it is {self.tokens}")
        q, k, v = self._parts(file, found, ("Q", *CACHE))
        return around_cache(q[query], k[: self.tokens], v[: self.tokens], self.hidden, self.seed)

    def _check(self, file: Path, found: Arrays, names: tuple[str, ...]) -> None:
        if any(name not in found or found[name].ndim != 4 for name in names):
            raise InputError(f"{file}: {', '.join(names[:-1])} and {names[-1]} must be [layers, heads, tokens, d]")
        _within("--layer", self.layer, len(found["K"]), file)
        _within("--head", self.head, found["K"].shape[1], file)

    def _parts(self, file: Path, found: Arrays, names: tuple[str, ...]) -> list[Tensor]:
        """One layer's head of each array."""
        import torch

        parts = {name: np.asarray(found[name][self.layer, self.head]) for name in names}
        return [torch.from_numpy(finite_singles(f"{file}: {name}", part)) for name, part in parts.items()]


def _arrays(file: Path, names: tuple[str, ...]) -> Arrays:
    try:
        return npz_arrays(file, names)
    except UNREADABLE as error:
        raise InputError(f"{file}: no .npz file: {reason(error)}") from error


def _within(name: str, value: int, count: int, file: Path) -> None:
    if not 0 <= value < count:
        raise InputError(f"{name} must lie in 0..{count - 1} for {file.name}, it is {value}")
