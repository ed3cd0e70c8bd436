"""Heads to decode with: random ones, ones around a real cache, and files."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from golden.arrays import UNREADABLE, finite_singles, npz_arrays, reason
from golden.cluster.dataflows import Head, rotate
from golden.errors import InputError

NAMES = ("query", "key", "value", "output", "keys", "values")


def random_head(size: int, hidden: int, tokens: int, seed: int) -> tuple[Tensor, Head]:
    """Normal numbers: a hidden vector [D], weights of variance 1 / inputs, a cache of variance 1."""
    generator = torch.Generator().manual_seed(seed)

    def draw(rows: int, columns: int, scale: float) -> Tensor:
        return torch.randn((rows, columns), generator=generator) * scale

    head = Head(
        query=draw(hidden, size, hidden**-0.5),
        key=draw(hidden, size, hidden**-0.5),
        value=draw(hidden, size, hidden**-0.5),
        output=draw(size, hidden, size**-0.5),
        keys=draw(tokens, size, 1.0),
        values=draw(tokens, size, 1.0),
    )
    return draw(1, hidden, 1.0)[0], head


def grouped_head(group: int, size: int, hidden: int, tokens: int, seed: int) -> tuple[Tensor, Head]:
    """The same, with so many query heads on one key-value head."""
    x, head = random_head(size, hidden, tokens, seed)
    others = [head, *(random_head(size, hidden, 1, seed + k)[1] for k in range(1, group))]
    query, output = torch.cat([h.query for h in others], 1), torch.cat([h.output for h in others])
    return x, Head(**{**vars(head), "query": query, "output": output})


def around_cache(query: Tensor, keys: Tensor, values: Tensor, hidden: int, seed: int) -> tuple[Tensor, Head]:
    """Random weights, of which the query's are changed by a matrix of rank one so that it becomes `query` [d].

    For caches whose model's weights are not at hand: keys and values [T, d] are taken as they are, as rotated
    ones; the rotation at position T is undone in the weights.
    """
    size = len(query)
    x, head = random_head(size, hidden, 1, seed)
    wanted = rotate(query, -len(keys))
    weights = head.query + torch.outer(x, wanted - x @ head.query) / (x @ x)
    return x, Head(
        query=weights, key=head.key, value=head.value, output=head.output, keys=keys.float(), values=values.float()
    )


def load_head(path: Path) -> tuple[Tensor, Head]:
    """A .npz with `hidden` [D], `query`, `key`, `value` [D, H], `output` [H, D], `keys` and `values` [S, H].

    Raises:
        InputError: an array is missing or has a value that float32 does not hold, or the shapes do not go together.
    """
    try:
        stored = npz_arrays(path, ("hidden", *NAMES))
    except UNREADABLE as error:
        raise InputError(f"{path}: no .npz file with a head's arrays: {reason(error)}") from error
    missing = [name for name in ("hidden", *NAMES) if name not in stored]
    if missing:
        raise InputError(f"{path}: no .npz file with a head's arrays: {', '.join(missing)} is missing")
    found = {name: torch.from_numpy(finite_singles(f"{path}: {name}", array)) for name, array in stored.items()}
    hidden = found.pop("hidden")
    size = found["keys"].shape[-1] if found["keys"].ndim == 2 else 0
    shapes = {"query": (len(hidden), size), "output": (size, len(hidden)), "values": tuple(found["keys"].shape)}
    shapes |= {"key": shapes["query"], "value": shapes["query"]}
    for name, shape in shapes.items():
        if tuple(found[name].shape) != shape or hidden.ndim != 1:
            raise InputError(f"{path}: {name} must be {list(shape)}, it is {list(found[name].shape)}")
    return hidden, Head(**found)
