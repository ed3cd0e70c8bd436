"""The same look-ups and fills on a processor: torch tensors, all sets of all regions at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from golden.radiance.alpha_record import make_records, set_of, tag_of
from golden.radiance.spec import Spec
from hw.radiance.config import default
from sim.kernel.baseline import Measured, WrongAnswerError, entry
from sim.kernel.processors import Processor, measure_everywhere
from sim.radiance.run import play_trace
from sim.radiance.traces import known_traces, load_trace
from sim.radiance.workload import RadianceWorkload, prepare, trace_info

TAG_BITS = 62  # that one int64 holds beside -1


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the pixels of a frame ask. Keys are taken as given: lanes make them beside the pixels."""

    row: Tensor  #: [pixels] region · sets + set; -1 where the record is not full
    tag: Tensor  #: [pixels]
    colour: Tensor  #: [pixels] the channels of the pixel drawn to the end, packed


@dataclass(frozen=True, kw_only=True)
class Sets:
    """Every set of every region, changed in place."""

    tag: Tensor  #: [rows, ways]; -1: empty
    colour: Tensor  #: [rows, ways]
    recent: Tensor  #: [rows] pseudo-LRU trees, as `golden.radiance.cache.RegionCache.recent`


def asked(workload: RadianceWorkload, device: str) -> list[Asked]:
    """Every frame of the workload on `device`.

    Raises:
        WrongAnswerError: tags are longer than an int64 holds.
    """
    spec = workload.config.spec
    if spec.tag_bits > TAG_BITS:
        raise WrongAnswerError(f"the baseline holds tags of {TAG_BITS} bits, these have {spec.tag_bits}")
    frames: list[Asked] = []
    for begin in range(0, len(workload.visits), workload.regions):
        parts: dict[str, list[Any]] = {"row": [], "tag": [], "colour": []}
        for visit in workload.visits[begin : begin + workload.regions]:
            records = make_records(spec, visit.ids, visit.count)
            place = visit.region * spec.sets + set_of(spec, records.key)
            words = tag_of(spec, records.key)
            parts["row"].append(np.where(records.full, place, -1))
            parts["tag"].append(sum(words[..., k] << 32 * k for k in range(spec.tag_words)))
            parts["colour"].append(sum(visit.colour[..., k] << 8 * k for k in range(spec.channels)))
        frames.append(
            Asked(**{name: torch.from_numpy(np.concatenate(part)).to(device) for name, part in parts.items()})
        )
    return frames


def empty_sets(spec: Spec, regions: int, device: str) -> Sets:
    """No entry in any."""
    shape = (regions * spec.sets, spec.ways)
    nothing = torch.full(shape, -1, dtype=torch.int64, device=device)
    return Sets(tag=nothing, colour=nothing.clone(), recent=torch.zeros_like(nothing[:, 0]))


def frame(spec: Spec, sets: Sets, asks: Asked) -> tuple[Tensor, Tensor]:
    """Whether each pixel hits, and its colour; then every pixel goes into its set, in order within a set."""
    row = asks.row.clamp(min=0)
    same = (sets.tag[row] == asks.tag[:, None]) & (asks.row >= 0)[:, None]
    hit, way = same.any(1), same.to(torch.uint8).argmax(1)
    colour = torch.where(hit, sets.colour[row, way], asks.colour)
    for some in _rounds(asks):
        _insert(spec, sets, asks.row[some], asks.tag[some], colour[some])
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


def _insert(spec: Spec, sets: Sets, row: Tensor, tag: Tensor, colour: Tensor) -> None:
    held, recent = sets.tag[row], sets.recent[row]
    same, free = held == tag[:, None], held < 0
    known = same.any(1)
    node = torch.ones_like(recent)
    for _ in range(spec.ways.bit_length() - 1):
        node = 2 * node + (recent >> node - 1 & 1)
    empty = free.to(torch.uint8).argmax(1)
    way = torch.where(known, same.to(torch.uint8).argmax(1), torch.where(free.any(1), empty, node - spec.ways))
    node = way + spec.ways
    for _ in range(spec.ways.bit_length() - 1):
        bit = 1 << (node >> 1) - 1
        recent = torch.where((node & 1).bool(), recent & ~bit, recent | bit)
        node = node >> 1
    sets.recent[row] = recent
    new = ~known
    sets.tag[row[new], way[new]] = tag[new]
    sets.colour[row[new], way[new]] = colour[new]


def sequence(spec: Spec, regions: int, frames: Sequence[Asked], device: str) -> list[tuple[Tensor, Tensor]]:
    """All frames, from empty caches on: hits and colours of each."""
    sets = empty_sets(spec, regions, device)
    return [frame(spec, sets, asks) for asks in frames]


def measure_trace(workload: RadianceWorkload, processor: Processor) -> dict[str, Any]:
    """The sequence, measured after hits and colours have been compared with the model's.

    Raises:
        WrongAnswerError: one differs.
    """
    spec, regions = workload.config.spec, workload.regions
    frames = asked(workload, processor.place)
    played = play_trace(workload)
    for k, (hit, colour) in enumerate(sequence(spec, regions, frames, processor.place)):
        found = played.found[k * regions : (k + 1) * regions]
        if not np.array_equal(hit.cpu().numpy(), np.concatenate([one.hit[0] for one in found])):
            raise WrongAnswerError(f"{workload.trace.name}, frame {k}: the baseline's hits are not the model's")
        want = np.concatenate([sum(one.colour[0, :, c] << 8 * c for c in range(spec.channels)) for one in found])
        if not np.array_equal(colour.cpu().numpy(), want):
            raise WrongAnswerError(f"{workload.trace.name}, frame {k}: the baseline's colours are not the model's")
    timed = processor.measure(lambda: sequence(spec, regions, frames, processor.place))
    pixels = sum(workload.memory.pixels)
    figures = {"pixels": pixels, "lookups_per_second": round(pixels / timed["median_ms"] * 1e3)}
    return entry(trace_info(workload.trace), "torch int64, sets in rounds", timed, **figures)


def measure(inputs: Sequence[str] = (), size: int = 256) -> tuple[list[Measured], list[str]]:
    """Every trace on the CPU, and on the GPU where there is one; and remarks."""
    config = default()
    traces = [load_trace(source, config.spec, size=size) for source in inputs or known_traces()]
    workloads = [prepare(trace, config) for trace in traces]
    return measure_everywhere(lambda processor: [measure_trace(workload, processor) for workload in workloads])
