"""The same look-ups and fills on a processor: torch tensors, all sets of all regions at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from golden.errors import InputError
from golden.radiance.alpha_record import make_records, set_of, tag_of
from hw.radiance.config import default
from sim.kernel.baseline import Measured
from sim.kernel.problem import Problem, draws
from sim.kernel.processors import solve_everywhere
from sim.radiance.run import play_trace
from sim.radiance.traces import FORM, known_traces, load_trace
from sim.radiance.workload import RadianceWorkload, prepare, trace_info

TAG_BITS = 62  # that one int64 holds beside -1


def problems(inputs: Sequence[str] = (), size: int = 256, views: int = 0) -> Iterator[Problem]:
    """Every trace, and of a made-up one as many other draws as there are `views`."""
    config = default()
    for source in inputs or known_traces():
        for view in draws(views if FORM.fullmatch(source) else 0):
            trace = load_trace(source, config.spec, size=size, seed=view.seed)
            yield problem_of(prepare(trace, config), view.names)


def problem_of(workload: RadianceWorkload, names: Mapping[str, str] = {}) -> Problem:
    """The sequence, with the model's hits and colours; `names` beside what the trace is known by.

    Raises:
        InputError: tags are longer than an int64 holds.
    """
    spec, regions = workload.config.spec, workload.regions
    if spec.tag_bits > TAG_BITS:
        raise InputError(f"the baseline holds tags of {TAG_BITS} bits at most, these have {spec.tag_bits}")
    found = play_trace(workload).found
    answers: dict[str, list[Any]] = {
        "hit": [one.hit[0] for one in found],
        "colour": [_packed(one.colour[0], spec.channels) for one in found],
    }
    return Problem(
        engine="radiance", kernel="sequence", method="torch int64, sets in rounds",
        workload={**trace_info(workload.trace), **names}, inputs=_asked(workload),
        settings={"rows": regions * spec.sets, "ways": spec.ways},
        answer={name: _frames(parts, regions) for name, parts in answers.items()},
    )  # fmt: skip


def _asked(workload: RadianceWorkload) -> dict[str, Tensor]:
    """Of every frame what its pixels ask, region by region: [frames, pixels]."""
    spec = workload.config.spec
    parts: dict[str, list[Any]] = {"row": [], "tag": [], "colour": []}
    for visit in workload.visits:
        records = make_records(spec, visit.ids, visit.count)
        place = visit.region * spec.sets + set_of(spec, records.key)
        words = tag_of(spec, records.key)
        parts["row"].append(np.where(records.full, place, -1))
        parts["tag"].append(sum(words[..., k] << 32 * k for k in range(spec.tag_words)))
        parts["colour"].append(_packed(visit.colour, spec.channels))
    return {name: _frames(part, workload.regions) for name, part in parts.items()}


def _packed(colour: Any, channels: int) -> Any:
    return sum(colour[..., c] << 8 * c for c in range(channels))


def _frames(parts: list[Any], regions: int) -> Tensor:
    """[frames, pixels] of a list of regions' pixels, frame by frame."""
    frames = [np.concatenate(parts[k : k + regions]) for k in range(0, len(parts), regions)]
    return torch.from_numpy(np.stack(frames))


def measure(inputs: Sequence[str] = (), size: int = 256, views: int = 0) -> tuple[list[Measured], list[str]]:
    """Every trace on the CPU, and on the GPU where there is one; and remarks."""
    return solve_everywhere(problems(inputs, size, views))
