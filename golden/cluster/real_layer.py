"""A decoder layer's attention as its model has it: weights, normed hidden vectors, and a cache."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from golden.arrays import UNREADABLE, convert, finite_singles, npz_arrays, reason
from golden.cluster.dataflows import BASE, Head, angles, attended, turned
from golden.cluster.head import Calibration
from golden.errors import InputError

WEIGHTS = ("attn_q", "attn_k", "attn_v", "attn_output", "hidden")
SCALARS = {"rope_base": BASE, "first_position": 0.0}  # and what they are where the file has none


@dataclass(frozen=True, kw_only=True)
class RealLayer:
    """Rows of outputs, as models have them; rows of a head's queries and keys in pairs (2i, 2i + 1) of the rotation."""

    query: Tensor  # [heads·H, D]
    key: Tensor  # [key heads·H, D]
    value: Tensor  # [key heads·H, D]
    output: Tensor  # [D, heads·H]
    hidden: Tensor  # [n, D] of n tokens after each other
    base: float  # of the rotary embedding
    first: int  # position of the first hidden vector
    size: int  # H

    @property
    def key_heads(self) -> int:
        return len(self.key) // self.size

    @property
    def group(self) -> int:
        """Query heads of a key-value head."""
        return len(self.query) // len(self.key)

    def head(self, number: int, row: int, cache: tuple[Tensor, Tensor] | None = None) -> Head:
        """Key-value head `number` with its query heads, before the token of hidden vector `row` is decoded.

        Its cache is that of the hidden vectors before it, after `cache`: rotated keys and values [S, H] of the
        tokens before the first.

        Raises:
            InputError: no such head or hidden vector, or no token before it.
        """
        for name, value, count in (("--head", number, self.key_heads), ("--query", row, len(self.hidden))):
            if not 0 <= value < count:
                raise InputError(f"{name} must lie in 0..{count - 1}, the layer has {count}, it is {value}")
        if row == 0 and cache is None:
            raise InputError("--query must be at least 1 where the layer has no cache, it is 0")
        own = slice(number * self.size, (number + 1) * self.size)
        queries = slice(own.start * self.group, own.stop * self.group)
        keys, values = self.hidden[:row] @ self.key[own].T, self.hidden[:row] @ self.value[own].T
        turns = torch.stack([self._turn(k) for k in range(row + 1)])
        keys = turned(keys, turns[:row])
        if cache:
            keys, values = torch.cat([cache[0], keys]), torch.cat([cache[1], values])
        return Head(
            query=self.query[queries].T, key=self.key[own].T, value=self.value[own].T,
            output=self.output[:, queries].T, keys=keys, values=values, turn=turns[row],
        )  # fmt: skip

    def _turn(self, row: int) -> Tensor:
        return angles(self.first + row, self.size, self.base)

    def calibration(self, number: int, rows: range, cache: tuple[Tensor, Tensor] | None = None) -> Calibration:
        """What the weights of a head meet on the hidden vectors `rows`, in float."""
        met = [attended(self.hidden[row], self.head(number, row, cache)).flatten() for row in rows]
        return Calibration(hidden=self.hidden[rows.start : rows.stop], attended=torch.stack(met))


def load_layer(path: Path, size: int = 64) -> RealLayer:
    """A .npz with attn_q [heads·H, D], attn_k, attn_v [key heads·H, D], attn_output [D, heads·H], hidden [n, D].

    `rope_base` and `first_position` where they are; `size` is H.

    Raises:
        InputError: no such file, an array missing or of another shape, or a value that is not finite.
    """
    try:
        stored = npz_arrays(path, (*WEIGHTS, *SCALARS))
    except UNREADABLE as error:
        raise InputError(f"{path}: no .npz file with a layer's arrays: {reason(error)}") from error
    missing = [name for name in WEIGHTS if name not in stored]
    if missing:
        raise InputError(f"{path}: no .npz file with a layer's arrays: {', '.join(missing)} is missing")
    found = {name: finite_singles(f"{path.name}: {name}", stored[name]) for name in WEIGHTS}
    _check(path.name, {name: array.shape for name, array in found.items()}, size)
    scalars = {name: convert(f"{path.name}: {name}", stored.get(name, np.array(default)), np.float64)
               for name, default in SCALARS.items()}  # fmt: skip
    base, first = (float(scalars[name].reshape(-1)[0]) for name in SCALARS)
    if not (np.isfinite(base) and base > 1 and np.isfinite(first) and first >= 0):
        raise InputError(f"{path.name}: rope_base must exceed 1 and first_position reach 0, they are {base}, {first}")
    query, key, value, output, hidden = (torch.from_numpy(found[name]) for name in WEIGHTS)
    return RealLayer(
        query=query, key=key, value=value, output=output, hidden=hidden, base=base, first=int(first), size=size
    )


def _check(file: str, shapes: dict[str, tuple[int, ...]], size: int) -> None:
    """Shapes that go together.

    Raises:
        InputError: they do not.
    """
    if any(len(shape) != 2 for shape in shapes.values()):
        raise InputError(f"{file}: a layer's arrays must have 2 axes, they are {[list(s) for s in shapes.values()]}")
    rows, hidden = shapes["attn_q"]
    keys = shapes["attn_k"][0]
    if not keys or keys % size or rows % keys or not rows:
        raise InputError(
            f"{file}: rows of attn_k must be a multiple of the head's size {size}, those of attn_q one of attn_k's, "
            f"they are {keys} and {rows}"
        )
    wanted = {"attn_k": (keys, hidden), "attn_v": (keys, hidden), "attn_output": (hidden, rows)}
    wanted["hidden"] = max(shapes["hidden"][0], 1), hidden
    for name, shape in wanted.items():
        if shapes[name] != shape:
            raise InputError(f"{file}: {name} must be {list(shape)}, it is {list(shapes[name])}")
