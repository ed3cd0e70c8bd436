"""The same clustering, selection and gather in torch, on the CPU and on a CUDA device, beside plain top-k."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from golden.kv.key_table import mean_unit
from golden.kv.model import ModelResult, Options
from golden.kv.spec import Spec
from golden.kv.wtu import exact
from hw.kv.config import default
from sim.kernel.baseline import Measured, WrongAnswerError, entry
from sim.kernel.processors import Processor, measure_everywhere
from sim.kernel.run import Backend
from sim.kv.run import run
from sim.kv.streams import known_streams, load_stream
from sim.kv.workload import RetrieveWorkload, prepare_retrieve, retrieve_info, retrieve_options


@dataclass(frozen=True, kw_only=True)
class Work:
    """A stream's codes on a device, in the types that are fast there."""

    hashes: Tensor  # float [T, bits], each ±1
    keys: Tensor  # float [T, heads, d]
    queries: Tensor  # float [heads, R, d]
    records: Tensor  # int8 [heads, T, 2d]
    spec: Spec
    options: Options


def work_of(workload: RetrieveWorkload, model: ModelResult, device: str) -> Work:
    """The codes on `device`. Hash bits are taken as given: a matrix unit makes them in both worlds."""
    data, spec = workload.data, workload.config.spec
    bits = model.hashes[:, None] >> torch.arange(spec.hash_bits) & 1
    return Work(
        hashes=(2.0 * bits - 1).to(device),
        keys=data.keys.float().to(device),
        queries=data.queries.transpose(0, 1).float().contiguous().to(device),
        records=torch.cat([data.keys, data.values], 2).transpose(0, 1).to(torch.int8).contiguous().to(device),
        spec=spec,
        options=workload.options,
    )


def cluster(work: Work) -> tuple[Tensor, int]:
    """Clusters of the tokens, in order: the nearest below Th_hd, else a new one; a full table takes the nearest."""
    limit = work.spec.hash_bits - 2 * work.options.hamming_threshold  # d < Th is dot > limit
    table = torch.zeros(work.spec.clusters, work.spec.hash_bits, device=work.hashes.device)
    places: list[int] = []
    count = 0
    for own in work.hashes:
        place = count
        if count:
            best, nearest = (table[:count] @ own).max(0)
            if float(best) > limit or count == len(table):
                place = int(nearest)
        if place == count:
            table[count] = own
            count += 1
        places.append(place)
    return torch.tensor(places, device=work.hashes.device), count


def select(work: Work, places: Tensor, count: int) -> list[Tensor]:
    """WiCSum by sorting, the union over rows; tokens of every head."""
    table = torch.zeros(count, *work.keys.shape[1:], device=places.device).index_add_(0, places, work.keys)
    counts = torch.bincount(places, minlength=count)
    means = mean_unit(table.long().cpu(), counts.cpu()).to(places.device).float()
    chosen: list[Tensor] = []
    for h in range(work.spec.heads):
        scores = (work.queries[h] @ means[:, h].T).double()
        falling, order = scores.sort(dim=1, descending=True, stable=True)
        weight = (falling - falling[:, -1:]) * counts[order]
        reached = weight.cumsum(1) * 1024 > work.options.wicsum_code * weight.sum(1, keepdim=True)
        last = torch.where(reached.any(1), reached.long().argmax(1), count - 1)
        taken = torch.arange(count, device=places.device) <= last[:, None]
        picked = torch.zeros_like(taken).scatter_(1, order, taken).any(0)
        chosen.append(picked[places].nonzero().flatten())
    return chosen


def resv(work: Work) -> list[Tensor]:
    """The whole path; the gathered records of every head."""
    places, count = cluster(work)
    return [work.records[h][tokens] for h, tokens in enumerate(select(work, places, count))]


def top_k(work: Work, kept: Sequence[int]) -> list[Tensor]:
    """As many tokens of the best pooled score for every head, gathered."""
    gathered: list[Tensor] = []
    for h, size in enumerate(kept):
        scores = (work.queries[h] @ work.keys[:, h].T).max(0).values
        gathered.append(work.records[h][scores.topk(size).indices])
    return gathered


def measure_on(processor: Processor, streams: Sequence[str], tokens: int) -> list[dict[str, Any]]:
    """Measures ReSV and top-k of every stream, after comparing ReSV's clusters and selection with the model's.

    Raises:
        WrongAnswerError: they differ.
    """
    entries: list[dict[str, Any]] = []
    for source in streams:
        stream = load_stream(source, tokens)
        workload = prepare_retrieve(stream, default(), retrieve_options(default().spec))
        model: ModelResult = run(workload, backend=Backend.MODEL).model
        work = work_of(workload, model, processor.place)
        places, count = cluster(work)
        if not torch.equal(places.cpu(), model.clustering.cluster):
            raise WrongAnswerError(f"{stream.name}: the baseline's clusters are not the model's")
        chosen = select(work, places, count)
        exact = _exact_tokens(model, workload.options)
        if any(not torch.equal(a.cpu(), b) for a, b in zip(chosen, exact, strict=True)):
            raise WrongAnswerError(f"{stream.name}: the baseline's selection is not the model's before bucketing")
        kept = [len(c) for c in chosen]
        for method, work_through in (
            ("ReSV", lambda work=work: resv(work)),
            (
                "select+gather",
                lambda w=work, p=places, n=count: [w.records[h][t] for h, t in enumerate(select(w, p, n))],
            ),
            ("top-k", lambda work=work, kept=kept: top_k(work, kept)),
        ):
            names = retrieve_info(stream, workload.options)
            entries.append(entry(names, f"torch, {method}", processor.measure(work_through)))
    return entries


def _exact_tokens(model: ModelResult, options: Options) -> list[Tensor]:
    """The model's selection by the exact rule (whole buckets would be a few more)."""
    selected = (exact(head.scores, model.table.counts, options.wicsum_code).any(0) for head in model.heads)
    return [picked[model.clustering.cluster].nonzero().flatten() for picked in selected]


def measure(inputs: Sequence[str] = (), size: int = 1024) -> tuple[list[Measured], list[str]]:
    """Every stream of at most `size` tokens on the CPU, and on the GPU where there is one; and remarks."""
    streams = list(inputs) or known_streams()
    return measure_everywhere(lambda processor: measure_on(processor, streams, size))
