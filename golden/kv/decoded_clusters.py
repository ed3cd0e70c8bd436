"""Hash clusters and pages for every decoded token, bit-true: means of the tokens so far, thresholded row by row."""

from __future__ import annotations

import torch
from torch import Tensor

from golden.kv.decoder import SCALE_BYTES, Always, Layer, Selection, blocks, head_codes
from golden.kv.hash_unit import hash_unit, project
from golden.kv.hcu import hcu, pages
from golden.kv.key_table import mean_unit
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
    keys = head_codes(layer)
    arranged = keys.codes.transpose(0, 1).contiguous()
    offsets = project(arranged[:CALIBRATION], spec).double().mean(0).round().long()
    hashes = hash_unit(arranged, offsets, spec)
    found = pages(hashes, spec) if paged else hcu(hashes, spec, threshold=spec.hamming_threshold)
    queries = codes(layer.queries, scale_of(layer.queries, (3,)))
    shifts = bucket_shifts(queries.flatten(1, 2).transpose(0, 1), arranged, spec).T.unflatten(1, (-1, len(layer.ends)))
    chosen = torch.zeros(heads, len(layer.ends), tokens, dtype=torch.bool)
    search = 0
    table = GrowingTable(arranged, found.cluster, tokens - len(layer.ends))
    for rows, end in blocks(len(layer.ends), tokens):
        own = queries[:, :, rows]
        scores, counts = table.scores(own)
        search += heads * int((counts > 0).sum()) * (size + SCALE_BYTES)
        wide = counts.expand(*own.shape[:2], -1, -1)
        taken = wtu(scores.flatten(0, 2), wide.flatten(0, 2), shifts[:, :, rows].flatten(), code, spec,
                    count_mode=paged).selected  # fmt: skip
        selected = taken.unflatten(0, own.shape[:3]).any(1)[:, :, found.cluster[:end]]
        chosen[:, rows, :end] = selected & layer.reach[rows, :end] | always.mask(layer.ends[rows], end)
    return Selection(chosen=chosen, keys=keys.read, search_bytes=search, record_bytes=layer.record_bytes)


class GrowingTable:
    """Means of the clusters of keys [T, heads, d] so far, which decoded tokens enter one by one."""

    def __init__(self, keys: Tensor, cluster: Tensor, tokens: int) -> None:
        self.keys, self.cluster, self.tokens = keys, cluster, tokens
        count = int(cluster.max()) + 1
        self.sums = torch.zeros(count, *keys.shape[1:], dtype=torch.int64).index_add_(
            0, cluster[:tokens], keys[:tokens]
        )
        self.counts = torch.bincount(cluster[:tokens], minlength=count)
        filled = self.counts > 0
        self.means = torch.zeros_like(self.sums)
        self.means[filled] = mean_unit(self.sums[filled], self.counts[filled])

    def scores(self, queries: Tensor) -> tuple[Tensor, Tensor]:
        """Of the next M tokens' queries [heads, group, M, d], each against the means with its own key in them.

        Returns:
            Scores int64 [heads, group, M, C], and tokens of each cluster by then [M, C]. A cluster without tokens has
            the first one's score, and moves no decision.
        """
        own = self.cluster[self.tokens : self.tokens + queries.shape[2]]
        before, counts = self.means.clone(), self.counts.repeat(len(own), 1)
        entered = self._enter(own)
        scores, changed = _products(queries, before), _products(queries, entered)
        for row, cluster in enumerate(own.tolist()):
            scores[:, :, row:, cluster] = changed[:, :, row:, row]
            counts[row:, cluster] += 1
        return torch.where(counts > 0, scores, scores[..., :1]), counts

    def _enter(self, own: Tensor) -> Tensor:
        """The next tokens enter their clusters: of each the new mean, [M, heads, d]."""
        sums, counts = [], []
        for key, cluster in zip(self.keys[self.tokens :], own.tolist(), strict=False):
            self.sums[cluster] += key
            self.counts[cluster] += 1
            sums.append(self.sums[cluster].clone())
            counts.append(self.counts[cluster].clone())
        entered = mean_unit(torch.stack(sums), torch.stack(counts))
        for cluster, mean in zip(own.tolist(), entered, strict=True):
            self.means[cluster] = mean
        self.tokens += len(own)
        return entered


def _products(queries: Tensor, means: Tensor) -> Tensor:
    """`score_unit` of all heads, [heads, group, M, d] and [C, heads, d]: exact in float32, as none reaches 2**24."""
    return (queries.float() @ means.permute(1, 2, 0)[:, None].float()).long()
