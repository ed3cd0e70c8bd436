"""k-means: a book of vectors that stands for many, by Lloyd's iterations, the same for the same seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from golden.threads import undivided_operators

Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

PAIRS = 1 << 22  # of vectors and entries whose distances are held at once; only memory and time depend on it
TRAINED = 1 << 17  # vectors from which the entries are found; of more, so many are drawn


@dataclass(frozen=True, kw_only=True)
class Book:
    """Vectors, and which of them stands for each of those that it was made for."""

    entries: Doubles  # [K, D], K at most the size asked for
    index: Ints  # [N] into the entries


@undivided_operators()
def build_book(
    vectors: Doubles, weights: Doubles, size: int, *, iterations: int, seed: int = 1,
    report: Callable[[], None] = lambda: None,
) -> Book:  # fmt: skip
    """At most `size` entries of small Σ weight·|vector - entry|² ([N, D] and [N], weights above 0).

    Where there are no more different vectors than `size`, the entries are these. Else `iterations` of Lloyd's
    algorithm from vectors drawn by weight; an entry that no vector is nearest to moves to one of those that are worst
    off. `report` is called after each of `iterations` + 1 passes.
    """
    unique, inverse = _distinct(vectors)
    if len(unique) <= size:
        for _ in range(iterations + 1):
            report()
        return Book(entries=unique, index=inverse)
    rng = np.random.default_rng(seed)
    total = np.bincount(inverse, weights=weights).astype(np.float64)
    trained, weight = unique, total
    if len(unique) > TRAINED:
        drawn = rng.choice(len(unique), TRAINED, replace=False)
        trained, weight = unique[drawn], total[drawn]
    entries = trained[rng.choice(len(trained), size, replace=False, p=np.sqrt(weight) / np.sqrt(weight).sum())]
    middle = trained.mean(axis=0)  # near 0, distances keep their digits
    for _ in range(iterations):
        index, distance = _nearest(trained - middle, entries - middle)
        entries = _moved(trained, weight, index, distance, entries)
        report()
    index, _ = _nearest(unique - middle, entries - middle)
    report()
    return Book(entries=entries, index=index[inverse])


def _distinct(vectors: Doubles) -> tuple[Doubles, Ints]:
    """The different vectors, and which of them each is."""
    if vectors.shape[1] == 0:
        return vectors[:1], np.zeros(len(vectors), np.int64)
    unique, inverse = np.unique(vectors, axis=0, return_inverse=True)
    return unique, inverse.reshape(-1)


def _nearest(vectors: Doubles, entries: Doubles) -> tuple[Ints, Doubles]:
    """For each vector the nearest entry, the first of equal ones, and the squared distance, [N] each."""
    book = torch.from_numpy(entries.astype(np.float32))
    half = (book * book).sum(1) / 2
    indices: list[Tensor] = []
    distances: list[Tensor] = []
    for block in torch.from_numpy(vectors.astype(np.float32)).split(max(PAIRS // len(entries), 1)):
        nearness, index = torch.addmm(half, block, book.T, alpha=-1).min(1)
        indices.append(index)
        distances.append(2 * nearness + (block * block).sum(1))
    return torch.cat(indices).numpy(), torch.cat(distances).double().numpy().clip(0)


def _moved(vectors: Doubles, weights: Doubles, index: Ints, distance: Doubles, entries: Doubles) -> Doubles:
    """Each entry in the weighted middle of its vectors; those without any at the vectors that are worst off."""
    weight = np.bincount(index, weights=weights, minlength=len(entries))
    sums = [np.bincount(index, weights=weights * column, minlength=len(entries)) for column in vectors.T]
    moved = np.stack(sums, axis=1) / np.maximum(weight, np.finfo(np.float64).tiny)[:, None]
    idle = np.flatnonzero(weight == 0)
    moved[idle] = vectors[np.argsort(-weights * distance, kind="stable")[: len(idle)]]
    return moved
