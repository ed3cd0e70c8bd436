"""The same clustering, selection and gather in torch, on the CPU and on a CUDA device, beside plain top-k."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from golden.kv.model import ModelResult, Options
from golden.kv.wtu import exact
from hw.kv.config import default
from sim.kernel.baseline import Measured
from sim.kernel.problem import Problem
from sim.kernel.processors import solve_everywhere
from sim.kernel.run import Backend
from sim.kv.kernels import KERNELS
from sim.kv.run import run
from sim.kv.streams import QUERIES, Stream, known_streams, load_stream
from sim.kv.workload import RetrieveWorkload, prepare_retrieve, retrieve_info, retrieve_options


def problems(inputs: Sequence[str] = (), size: int = 1024, views: int = 0) -> Iterator[Problem]:
    """Every stream of at most `size` tokens, for each kernel, and `views` other questions to it."""
    for source in list(inputs) or known_streams():
        yield from _asked(load_stream(source, size), {})
        if views:
            more = load_stream(source, size, queries=QUERIES * views)
            for k, queries in enumerate(more.queries.split(QUERIES * more.group, 1)):
                yield from _asked(replace(more, queries=queries), {"view": f"{k}/{views}"})


def _asked(stream: Stream, names: Mapping[str, str]) -> Iterator[Problem]:
    workload = prepare_retrieve(stream, default(), retrieve_options(default().spec))
    yield from problems_of(stream, workload, run(workload, backend=Backend.MODEL).model, names)


def problems_of(
    stream: Stream, workload: RetrieveWorkload, model: ModelResult, names: Mapping[str, str] = {}
) -> Iterator[Problem]:
    """A problem for each kernel, all with the model's answer; `names` beside what the workload is known by."""
    data, spec, options = workload.data, workload.config.spec, workload.options
    bits = model.hashes[:, None] >> torch.arange(spec.hash_bits) & 1
    records = torch.cat([data.keys, data.values], 2).transpose(0, 1).to(torch.int8).contiguous()
    chosen = _exact_tokens(model, options)
    for name in KERNELS:
        yield Problem(
            engine="kv", kernel=name, method=f"torch, {name}", workload={**retrieve_info(stream, options), **names},
            inputs={
                "hashes": 2.0 * bits - 1, "keys": data.keys.float(), "records": records,
                "queries": data.queries.transpose(0, 1).float().contiguous(),
            },
            settings={
                "hamming_threshold": options.hamming_threshold, "clusters": spec.clusters,
                "wicsum_code": options.wicsum_code, "kept": [len(tokens) for tokens in chosen],
            },
            answer={"records": torch.cat([records[h][tokens] for h, tokens in enumerate(chosen)])},
        )  # fmt: skip


def _exact_tokens(model: ModelResult, options: Options) -> list[Tensor]:
    """The model's selection by the exact rule."""
    selected = (exact(head.scores, model.table.counts, options.wicsum_code).any(0) for head in model.heads)
    return [picked[model.clustering.cluster].nonzero().flatten() for picked in selected]


def measure(inputs: Sequence[str] = (), size: int = 1024, views: int = 0) -> tuple[list[Measured], list[str]]:
    """Every stream of at most `size` tokens on the CPU, and on the GPU where there is one; and remarks."""
    return solve_everywhere(problems(inputs, size, views))
