"""The KV-retrieval engine to the last bit: what the RTL must equal, word by word."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from golden.kv.block_store import BlockStore, block_store
from golden.kv.hash_unit import hash_unit
from golden.kv.hcu import Clustering, hcu, pages
from golden.kv.key_table import KeyTable, key_table, mean_unit, score_unit
from golden.kv.quantise import Quantised
from golden.kv.spec import Spec
from golden.kv.wtu import RowSelection, wtu


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a job may set without another engine being built. `hamming_threshold` and `wicsum_code`: see Spec."""

    hamming_threshold: int
    wicsum_code: int
    pages: bool = False  #: LiveVLM's pages in place of hash clusters
    count_mode: bool = False  #: select a share of the tokens, not of the weighted sum

    @staticmethod
    def of(spec: Spec) -> Options:
        """V-Rex's retrieval at the spec's thresholds."""
        return Options(hamming_threshold=spec.hamming_threshold, wicsum_code=spec.wicsum_code)

    @staticmethod
    def livevlm(spec: Spec, share: float = 0.4) -> Options:
        """LiveVLM's page retrieval of a share of the cache."""
        return replace(Options.of(spec), wicsum_code=round(share * 1024), pages=True, count_mode=True)


@dataclass(frozen=True, kw_only=True)
class HeadResult:
    """Everything about one head."""

    means: Tensor  # [C, head_size]
    scores: Tensor  # [R, C]
    rows: RowSelection
    selected: Tensor  # bool [C]: the union over rows
    tokens: Tensor  # [N] in the order in which the records are gathered


@dataclass(frozen=True, kw_only=True)
class ModelResult:
    """Every stage's output for one layer, for comparison stage by stage."""

    hashes: Tensor  # [T]
    clustering: Clustering
    table: KeyTable
    store: BlockStore
    heads: list[HeadResult]


def retrieve(data: Quantised, spec: Spec, options: Options) -> ModelResult:
    """Clusters the tokens in order, then selects for every head. Queries are used as they are."""
    hashes = hash_unit(data.keys, data.offsets, spec)
    clustering = pages(hashes, spec) if options.pages else hcu(hashes, spec, threshold=options.hamming_threshold)
    table = key_table(data.keys, clustering.cluster, clustering.count)
    store = block_store(clustering.cluster, clustering.count, spec)
    means = mean_unit(table.sums, table.counts)
    stored = torch.ones(len(hashes), dtype=torch.bool)
    stored[store.refused] = False
    arrival = torch.argsort(clustering.cluster, stable=True)  # cluster by cluster, each in order of arrival
    heads: list[HeadResult] = []
    for h in range(spec.heads):
        scores = score_unit(data.queries[:, h], means[:, h])
        rows = wtu(scores, table.counts, data.shifts[:, h], options.wicsum_code, spec, count_mode=options.count_mode)
        selected = rows.selected.any(0)
        taken = (selected[clustering.cluster] & stored)[arrival]
        heads.append(HeadResult(means=means[:, h], scores=scores, rows=rows, selected=selected, tokens=arrival[taken]))
    return ModelResult(hashes=hashes, clustering=clustering, table=table, store=store, heads=heads)
