"""Retrieval by Triton: clusters in one kernel over all tokens, the chosen records by another. Needs torch and Triton.

Scores, their order and the weighted sums between the two are torch's, for all heads at once.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import triton
import triton.language as tl
from torch import Tensor

from sim.kernel.problem import Settings, Tensors

BLOCK = 32  # records of a program


@triton.jit
def _ones(word):
    """Bits that are 1, of words that are not negative."""
    word = word - ((word >> 1) & 0x5555555555555555)
    word = (word & 0x3333333333333333) + ((word >> 2) & 0x3333333333333333)
    word = (word + (word >> 4)) & 0x0F0F0F0F0F0F0F0F
    return (word * 0x0101010101010101) >> 56


@triton.jit
def _cluster(hashes, places, founded, tokens, threshold, ROOM: tl.constexpr):
    """Clusters of the tokens, in order, by one program that keeps the table in its registers."""
    slot = tl.arange(0, ROOM)
    table = tl.zeros([ROOM], tl.int64)
    count = 0
    for token in range(tokens):
        own = tl.load(hashes + token)
        distance = tl.where(slot < count, _ones(table ^ own).to(tl.int32), 64)
        nearest = tl.min(distance * ROOM + slot, 0)  # of several the first
        founds = (nearest // ROOM >= threshold) & (count < ROOM)
        table = tl.where(founds & (slot == count), own, table)
        tl.store(places + token, tl.where(founds, count, nearest % ROOM))
        count += founds.to(tl.int32)
    tl.store(founded, count)


@triton.jit
def _gather(records, rows, out, count, WORDS: tl.constexpr, BLOCK: tl.constexpr):
    """Rows of words, one after another."""
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    there = (place < count)[:, None]
    row = tl.load(rows + place, mask=place < count, other=0)
    word = tl.arange(0, WORDS)[None, :]
    tl.store(
        out + place[:, None] * WORDS + word, tl.load(records + row[:, None] * WORDS + word, mask=there), mask=there
    )


def clusters(work: Tensors, settings: Settings) -> Callable[[], tuple[Tensor, int]]:
    """The cluster of every token, and how many there are."""
    signs = work["hashes"]
    weights = 1 << torch.arange(signs.shape[1], device=signs.device)
    hashes = ((signs > 0) * weights).sum(1)
    places, founded = torch.empty_like(hashes), torch.empty_like(hashes[:1])

    def run() -> tuple[Tensor, int]:
        _cluster[(1,)](
            hashes, places, founded, len(hashes), settings["hamming_threshold"], ROOM=settings["clusters"], num_warps=8
        )
        return places, int(founded)

    return run


def gathered(work: Tensors) -> Callable[[Tensor], list[Tensor]]:
    """Of the tokens that are picked, [heads, tokens], the records of every head."""
    records = work["records"]
    words = records.view(torch.int32).flatten(0, 1)

    def run(picked: Tensor) -> list[Tensor]:
        rows = picked.flatten().nonzero()[:, 0]
        out = words.new_empty(len(rows), words.shape[1])
        _gather[(triton.cdiv(len(rows), BLOCK),)](words, rows, out, len(rows), WORDS=words.shape[1], BLOCK=BLOCK)
        return list(out.view(torch.int8).split(picked.sum(1).tolist()))

    return run
