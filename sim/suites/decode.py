"""Decode attention with its softmaxes merged by the network: checked, measured, compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from golden.cluster.decode import attention, finish, records
from golden.cluster.spec import Schedule
from hw.cluster.config import Config
from sim.jobs import MemorySettings
from sim.suites.cluster import check_results, run_checked
from sim.workloads.cluster import LinkSettings, run_model, run_rtl
from sim.workloads.decode import prepare


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """Outputs [Q, d] that equal the model's, and what they cost."""

    output: Tensor
    report: dict[str, Any]


def decode(
    config: Config, queries: Tensor, keys: Tensor, values: Tensor, scale: float, *, schedule: Schedule = Schedule.XOR,
    memory: MemorySettings = MemorySettings(), links: LinkSettings = LinkSettings(),
) -> Decoded:  # fmt: skip
    """Attention of queries [Q, d] over keys and values [T, d], split by tokens over the nodes.

    The shares' partial softmaxes are computed here in float32; the network merges them in RTL. The
    report's quality is the largest difference to float64 attention, over the largest output.

    Raises:
        CheckError: RTL and model differ. InputError: shapes or sizes that are refused.
    """
    spec, head = config.spec, queries.shape[1]
    messages = records(queries, keys, values, scale, spec)
    workloads = prepare(config, messages.numpy(), schedule=schedule)
    fused = run_checked(workloads.fused, memory=memory, links=links)
    merged = torch.from_numpy(fused.results.view("<f4").copy()).reshape(messages.shape)
    output = finish(merged[0], head)
    exact = torch.stack([attention(q, keys, values, scale) for q in queries])
    unfused, loading = (run_rtl(w, memory=memory) for w in (workloads.unfused, workloads.loading))
    check_results(workloads.unfused, unfused.results, run_model(workloads.unfused))
    words = {
        name: run.job.counters["load_words"] + run.job.counters["store_words"]
        for name, run in (("unfused", unfused), ("loading", loading))
    }
    report = fused.report
    report["workload"] |= {
        "op": "decode merge",
        "scene": f"decode merge of {spec.nodes}",
        "queries": len(queries),
        "tokens": len(keys),
        "head": head,
    }
    report["quality"] |= {
        "max_error": float((output - exact).abs().max() / exact.abs().max()),
        "same_on_all_nodes": bool((merged == merged[0]).all()),
    }
    report["unfused"] = {
        "cycles": unfused.job.counters["cycles"] - loading.job.counters["cycles"],
        "bytes": (words["unfused"] - words["loading"]) * config.word_bytes,
        "fused_link_bytes": report["counters"]["flits"] * spec.flit_bytes,
    }
    return Decoded(output=output, report=report)
