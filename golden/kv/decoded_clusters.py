"""Hash clusters and pages for every decoded token, bit-true: means of the tokens so far, thresholded row by row."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from golden.kv.decoder import SCALE_BYTES, Always, Layer, Selection, head_codes
from golden.kv.hash_unit import hash_unit, project
from golden.kv.hcu import hcu, pages
from golden.kv.key_table import mean_unit, score_unit
from golden.kv.quantise import CALIBRATION, bucket_shifts, codes, scale_of
from golden.kv.spec import Spec
from golden.kv.wtu import wtu


def spec_of(heads: int, size: int) -> Spec:
    """The engine's spec for a model's key-value heads, with the widest memory word that it takes.

    Raises:
        InputError: there is none for such heads.
    """
    fitting = [lanes for lanes in (32, 16, 8) if size % lanes == 0 and heads * size >= 4 * lanes]
    return Spec(heads=heads, head_size=size, lanes=(fitting or [8])[0])


def clusters(layer: Layer, always: Always, *, code: int, paged: bool) -> Selection:
    """ReSV's hash clusters, or pages of neighbours, of which each query row takes its best; a group's rows are joined.

    The means of all clusters so far are read for every decoded token, with a count of two bytes.
    """
    heads, tokens, size = layer.keys.shape
    spec = spec_of(heads, size)
    keys, scales = head_codes(layer)
    arranged = keys.transpose(0, 1).contiguous()
    offsets = project(arranged[:CALIBRATION], spec).double().mean(0).round().long()
    hashes = hash_unit(arranged, offsets, spec)
    found = pages(hashes, spec) if paged else hcu(hashes, spec, threshold=spec.hamming_threshold)
    queries = codes(layer.queries, scale_of(layer.queries, (3,)))
    shifts = bucket_shifts(queries.flatten(1, 2).transpose(0, 1), arranged, spec).T.unflatten(1, (-1, len(layer.ends)))
    kept = always.mask(layer.ends, tokens)
    chosen = torch.zeros(heads, len(layer.ends), tokens, dtype=torch.bool)
    search = 0
    for row, (end, means, counts) in enumerate(growing(arranged, found.cluster, layer.ends)):
        search += heads * len(counts) * (size + SCALE_BYTES)
        scores = torch.cat([score_unit(queries[head, :, row], means[:, head]) for head in range(heads)])
        rows = wtu(scores, counts, shifts[:, :, row].flatten(), code, spec, count_mode=paged).selected
        selected = rows.unflatten(0, (heads, -1)).any(1)
        chosen[:, row, :end] = selected[:, found.cluster[:end]] | kept[row, :end]
    return Selection(chosen=chosen, keys=keys * scales, search_bytes=search, record_bytes=layer.record_bytes)


def growing(keys: Tensor, cluster: Tensor, ends: Tensor) -> Iterator[tuple[int, Tensor, Tensor]]:
    """For each of `ends`, rising one by one: it, and the means and counts of the clusters of so many tokens."""
    count, first = int(cluster.max()) + 1, int(ends[0]) - 1
    sums = torch.zeros(count, *keys.shape[1:], dtype=torch.int64).index_add_(0, cluster[:first], keys[:first])
    counts = torch.bincount(cluster[:first], minlength=count)
    filled = int((counts > 0).sum())  # clusters are numbered in the order of their first tokens
    means = torch.zeros_like(sums)
    means[:filled] = mean_unit(sums[:filled], counts[:filled])
    for end in ends.tolist():
        own = cluster[end - 1 : end]
        sums[own] += keys[end - 1]
        counts[own] += 1
        means[own] = mean_unit(sums[own], counts[own])
        filled = max(filled, int(own) + 1)
        yield end, means[:filled], counts[:filled]
