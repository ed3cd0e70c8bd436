"""What the rules choose in float: ReSV's clusters, LiveVLM's pages and its vision-sink bucketing, scans."""

from __future__ import annotations

import torch
from torch import Tensor

from golden.kv import livevlm
from golden.kv.hash_unit import plane_signs
from golden.kv.reference import cluster, hash_bits, wicsum
from golden.kv.scan import ALL_MASS
from golden.kv.vision_sink import expected_results
from sim.kernel.compare import Results
from sim.kv.workload import CompressWorkload, RetrieveWorkload, ScanWorkload


def retrieve(workload: RetrieveWorkload) -> Results:
    """`cluster`: each token's cluster or page, [T]; `tokens.H`: the tokens that head H selects, rising."""
    cluster_of, chosen = _pages(workload) if workload.options.pages else _resv(workload)
    return {
        "cluster": cluster_of.numpy(),
        **{f"tokens.{h}": taken.nonzero().flatten().numpy() for h, taken in enumerate(chosen)},
    }


def _pages(workload: RetrieveWorkload) -> tuple[Tensor, list[Tensor]]:
    """Pages pooled by mean softmax."""
    stream, page = workload.stream, workload.config.spec.block_tokens
    length = stream.keys.shape[1]
    chosen: list[Tensor] = []
    for queries, keys in zip(stream.queries, stream.keys, strict=True):
        scores = livevlm.page_scores(queries, livevlm.page_means(keys, page), stream.scale)
        chosen.append(livevlm.best_pages(scores, length, page, _share(workload)))
    return torch.arange(length) // page, chosen


def _resv(workload: RetrieveWorkload) -> tuple[Tensor, list[Tensor]]:
    """ReSV (`golden.kv.reference`) with the engine's hyperplanes, centred by the stream's calibration."""
    stream, spec = workload.stream, workload.config.spec
    flat = stream.keys.transpose(0, 1).reshape(stream.keys.shape[1], -1)
    centre = stream.calibration.transpose(0, 1).reshape(-1, flat.shape[1]).mean(0)
    bits = hash_bits(flat, plane_signs(spec).float(), centre)
    table = cluster(flat, bits, workload.options.hamming_threshold)
    means = table.means.reshape(len(table.counts), spec.heads, -1)
    chosen: list[Tensor] = []
    for h, queries in enumerate(stream.queries):
        rows = wicsum(queries @ means[:, h].T, table.counts, _share(workload))
        chosen.append(rows.any(0)[table.cluster])
    return table.cluster, chosen


def _share(workload: RetrieveWorkload) -> float:
    return workload.options.wicsum_code / 1024


def scan(workload: ScanWorkload) -> Results:
    """`tokens.H`: the tokens that head H selects by its float logits, rising; see `golden.kv.scan`."""
    stream, options, spec = workload.stream, workload.options, workload.config.spec
    total = stream.keys.shape[1]
    always = options.always(total)
    word = torch.arange(total) // spec.plane_tokens
    ends = (word == 0) | (word == word[-1])
    results: Results = {}
    for h, (queries, keys) in enumerate(zip(stream.queries, stream.keys, strict=True)):
        logits = queries @ keys.T * stream.scale
        joined = (logits - logits[:, ends].max(1, keepdim=True).values).max(0).values
        budget = min(options.budget, total)
        if options.mass_code < ALL_MASS:
            mass = torch.softmax(joined.double(), 0).sort(descending=True).values.cumsum(0)
            budget = min(budget, 1 + int((mass <= options.mass_code / ALL_MASS).sum()))
        order = torch.argsort(joined.masked_fill(always, torch.inf), descending=True, stable=True)
        results[f"tokens.{h}"] = order[: max(budget, int(always.sum()))].sort().values.numpy()
    return results


def compress(workload: CompressWorkload) -> Results:
    """`vision_sink`, as RTL and model give it, but chosen by the scores themselves."""
    return expected_results(kept_in_float(workload))


def kept_in_float(workload: CompressWorkload) -> Tensor:
    """Which tokens stay by the scores themselves, bool [L]."""
    options = workload.options
    return livevlm.vision_sink_bucketing(
        workload.scores, budget=options.budget, capacity=options.capacity, unconditional=options.unconditional
    )
