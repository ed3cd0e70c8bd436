"""A stream retrieved by RTL, model or reference, and what the selection is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from golden.kv import livevlm
from golden.kv.attention import Quality, quality
from golden.kv.hash_unit import plane_signs
from golden.kv.memory_map import LOG
from golden.kv.model import ModelResult, Options
from golden.kv.model import retrieve as retrieve_by_model
from golden.kv.quantise import Quantised, quantise
from golden.kv.reference import cluster, hash_bits, wicsum
from golden.kv.spec import Spec
from golden.rows import from_bytes
from hw.kv.config import Config
from sim.kernel.jobs import MemorySettings
from sim.kernel.roofline import Roofline, dram_bytes
from sim.kv.check import check_retrieval
from sim.kv.streams import Stream
from sim.kv.workload import RtlRetrieval, kv_roofline, prepare, run_rtl

FIELDS = ("kept", "recall", "mass", "best_mass", "relative_mass", "output_error")


@dataclass(frozen=True, kw_only=True)
class Retrieval:
    """What a backend selected: `tokens` and `qualities` by head."""

    clusters: int
    tokens: list[Tensor]
    qualities: list[Quality]
    roofline: Roofline | None = None
    counters: dict[str, int] = field(default_factory=dict)
    dram_bytes: dict[str, int] = field(default_factory=dict)


def for_stream(config: Config, stream: Stream) -> Config:
    """The config for a stream's heads and head size.

    Raises:
        InputError: the engine cannot be built for them.
    """
    heads, _, size = stream.keys.shape
    return replace(config, spec=replace(config.spec, heads=heads, head_size=size))


def quantise_stream(stream: Stream, spec: Spec, options: Options) -> Quantised:
    """A stream's codes. Pages are chosen for a question as a whole: its rows become one, their mean."""
    queries = stream.queries.mean(1, keepdim=True) if options.pages else stream.queries
    return quantise(stream.keys, stream.values, queries, spec, calibration=stream.calibration)


def retrieve_by(
    backend: str, stream: Stream, config: Config, options: Options, memory: MemorySettings, *, check: bool = False
) -> Retrieval:
    """Retrieves with `rtl` (compared with the model if `check`), `model` or `reference`.

    Raises:
        CheckError: RTL and model differ.
    """
    spec = config.spec
    data = quantise_stream(stream, spec, options)
    if backend == "reference":
        return _by_reference(stream, spec, options)
    if backend == "model":
        model = retrieve_by_model(data, spec, options)
        return Retrieval(
            clusters=model.clustering.count,
            tokens=[head.tokens.sort().values for head in model.heads],
            qualities=head_qualities(stream, data, [head.tokens for head in model.heads]),
        )
    workload = prepare(data, config, options)
    rtl = run_rtl(workload, memory=memory)
    if check:
        check_retrieval(workload, rtl, retrieve_by_model(data, spec, options))
    tokens = rtl_tokens(rtl, spec)
    return Retrieval(
        clusters=rtl.job.counters["clusters"],
        tokens=tokens,
        qualities=head_qualities(stream, data, tokens),
        roofline=kv_roofline(rtl.job.counters, config, memory),
        counters=rtl.job.counters,
        dram_bytes=dram_bytes(rtl.job.counters, config.word_bytes),
    )


def rtl_tokens(rtl: RtlRetrieval, spec: Spec) -> list[Tensor]:
    """Each head's selected tokens, rising, from the log and the bitmaps that the engine wrote."""
    log = from_bytes(LOG, rtl.log)
    clusters, stored = torch.from_numpy(log["cluster"]), torch.from_numpy(log["refused"]) == 0
    bits = torch.from_numpy(rtl.bitmaps.copy())
    selected = (bits[:, :, None] >> torch.arange(8, dtype=torch.uint8) & 1).reshape(spec.heads, -1).bool()
    return [(row[clusters] & stored).nonzero().flatten() for row in selected]


def _by_reference(stream: Stream, spec: Spec, options: Options) -> Retrieval:
    """Float ReSV (`golden.kv.reference`), or LiveVLM's pages pooled by mean softmax."""
    length = stream.keys.shape[1]
    share = options.wicsum_code / 1024
    chosen: list[Tensor] = []
    if options.pages:
        clusters = -(-length // spec.block_tokens)
        for h in range(spec.heads):
            scores = livevlm.page_scores(
                stream.queries[h], livevlm.page_means(stream.keys[h], spec.block_tokens), stream.scale
            )
            chosen.append(livevlm.best_pages(scores, length, spec.block_tokens, share))
    else:
        flat = stream.keys.transpose(0, 1).reshape(length, -1)
        centre = stream.calibration.transpose(0, 1).reshape(-1, flat.shape[1]).mean(0)
        bits = hash_bits(flat, plane_signs(spec).float(), centre)
        table = cluster(flat, bits, options.hamming_threshold)
        clusters = len(table.counts)
        means = table.means.reshape(clusters, spec.heads, -1)
        for h in range(spec.heads):
            rows = wicsum(stream.queries[h] @ means[:, h].T, table.counts, share)
            chosen.append(rows.any(0)[table.cluster])
    return Retrieval(
        clusters=clusters,
        tokens=[c.nonzero().flatten() for c in chosen],
        qualities=[
            quality(stream.queries[h], stream.keys[h], stream.values[h], stream.scale, c) for h, c in enumerate(chosen)
        ],
    )


def head_qualities(stream: Stream, data: Quantised, tokens: Sequence[Tensor]) -> list[Quality]:
    """Attention over each head's tokens, as they are stored, against full attention."""
    result: list[Quality] = []
    for h, numbers in enumerate(tokens):
        chosen = torch.zeros(stream.keys.shape[1], dtype=torch.bool)
        chosen[numbers] = True
        result.append(_quality(stream, data, h, chosen))
    return result


def row_qualities(stream: Stream, data: Quantised, model: ModelResult) -> list[Quality]:
    """The same for each query row's own selection, without the union over rows; pages have one for all rows."""
    cluster_of = model.clustering.cluster
    rows = stream.queries.shape[1]
    return [
        _quality(stream, data, h, head.rows.selected[:, cluster_of].expand(rows, -1))
        for h, head in enumerate(model.heads)
    ]


def _quality(stream: Stream, data: Quantised, head: int, chosen: Tensor) -> Quality:
    stored = (
        data.keys[:, head] * float(data.key_scale[head]),
        data.values[:, head] * float(data.value_scale[head]),
    )
    return quality(stream.queries[head], stream.keys[head], stream.values[head], stream.scale, chosen, stored=stored)


def mean_quality(qualities: Sequence[Quality]) -> dict[str, float]:
    """Every figure's mean over heads."""
    return {name: round(sum(getattr(q, name) for q in qualities) / len(qualities), 4) for name in FIELDS}
