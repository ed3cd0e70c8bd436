"""Look-ups and fills of a sequence on a processor: all sets of all regions at once. Needs nothing but torch.

Keys are taken as given: lanes make them beside the pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from sim.kernel.problem import Kernel, Problem, Settings, Tensors, WrongAnswerError


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the pixels of a frame ask."""

    row: Tensor  #: [pixels] region · sets + set; -1 where the record is not full
    tag: Tensor  #: [pixels]
    colour: Tensor  #: [pixels] the channels of the pixel drawn to the end, packed


@dataclass(frozen=True, kw_only=True)
class Sets:
    """Every set of every region, changed in place."""

    tag: Tensor  #: [rows, ways]; -1: empty
    colour: Tensor  #: [rows, ways]
    recent: Tensor  #: [rows] pseudo-LRU trees, as `golden.radiance.cache.RegionCache.recent`


def empty_sets(rows: int, ways: int, like: Tensor) -> Sets:
    """No entry in any."""
    nothing = like.new_full((rows, ways), -1)
    return Sets(tag=nothing, colour=nothing.clone(), recent=torch.zeros_like(nothing[:, 0]))


def frame(sets: Sets, asks: Asked) -> tuple[Tensor, Tensor]:
    """Whether each pixel hits, and its colour; then every pixel goes into its set, in order within a set."""
    row = asks.row.clamp(min=0)
    same = (sets.tag[row] == asks.tag[:, None]) & (asks.row >= 0)[:, None]
    hit, way = same.any(1), same.to(torch.uint8).argmax(1)
    colour = torch.where(hit, sets.colour[row, way], asks.colour)
    for some in _rounds(asks):
        _insert(sets, asks.row[some], asks.tag[some], colour[some])
    return hit, colour


def _rounds(asks: Asked) -> tuple[Tensor, ...]:
    """Numbers of pixels, a row's in order, at most one of each row in a round; repeated tags are left out."""
    pixels = torch.nonzero(asks.row >= 0)[:, 0]
    order = pixels[torch.argsort(asks.row[pixels], stable=True)]
    row, tag = asks.row[order], asks.tag[order]
    again = torch.zeros(len(row), dtype=torch.bool, device=row.device)
    again[1:] = (row[1:] == row[:-1]) & (tag[1:] == tag[:-1])
    order, row = order[~again], row[~again]
    _, lengths = torch.unique_consecutive(row, return_counts=True)
    begins = torch.cumsum(lengths, 0) - lengths
    turn = torch.arange(len(row), device=row.device) - torch.repeat_interleave(begins, lengths)
    by_turn = order[torch.argsort(turn, stable=True)]
    return torch.split(by_turn, torch.bincount(turn).tolist()) if len(row) else ()


def _insert(sets: Sets, row: Tensor, tag: Tensor, colour: Tensor) -> None:
    held, recent, ways = sets.tag[row], sets.recent[row], sets.tag.shape[1]
    same, free = held == tag[:, None], held < 0
    known = same.any(1)
    node = torch.ones_like(recent)
    for _ in range(ways.bit_length() - 1):
        node = 2 * node + (recent >> node - 1 & 1)
    empty = free.to(torch.uint8).argmax(1)
    way = torch.where(known, same.to(torch.uint8).argmax(1), torch.where(free.any(1), empty, node - ways))
    node = way + ways
    for _ in range(ways.bit_length() - 1):
        bit = 1 << (node >> 1) - 1
        recent = torch.where((node & 1).bool(), recent & ~bit, recent | bit)
        node = node >> 1
    sets.recent[row] = recent
    new = ~known
    sets.tag[row[new], way[new]] = tag[new]
    sets.colour[row[new], way[new]] = colour[new]


def _sequence(inputs: Tensors, settings: Settings) -> Callable[[], list[tuple[Tensor, Tensor]]]:
    """All frames, from empty caches on: hits and colours of each."""
    names = ("row", "tag", "colour")
    frames = [Asked(**dict(zip(names, one, strict=True))) for one in zip(*(inputs[n] for n in names), strict=True)]

    def run() -> list[tuple[Tensor, Tensor]]:
        sets = empty_sets(settings["rows"], settings["ways"], inputs["row"])
        return [frame(sets, asks) for asks in frames]

    return run


def _judge(got: list[tuple[Tensor, Tensor]], problem: Problem) -> dict[str, Any]:
    for k, (hit, colour) in enumerate(got):
        for name, found in (("hit", hit), ("colour", colour)):
            if not torch.equal(found.cpu(), problem.answer[name][k]):
                raise WrongAnswerError(
                    f"{problem.workload['trace']}, frame {k}: the baseline's {name}s are not the model's"
                )
    return {"pixels": problem.inputs["row"].numel()}


KERNELS = {"sequence": Kernel(make=_sequence, judge=_judge)}
