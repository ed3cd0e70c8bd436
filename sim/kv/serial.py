"""How many bits of the cluster means a bit-serial score lane would read, highest first, before a score's fate is known.

A lane that has the `k` highest bits of a mean knows its score to within (2**(8-k) - 1) · Σ max(q, 0).
A cluster whose highest possible score lies below a row's lowest bucket is not selected, whatever
the other bits say. When the lowest bucket is known is what the two cases differ in.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from golden.kv.model import HeadResult, Options, retrieve
from golden.kv.spec import DEFAULT, KEY_BITS, THRESHOLD_FRACTION, Spec
from golden.kv.wtu import bucket
from sim.kv.streams import Stream, quantise_stream


def serial_rows(streams: list[Stream]) -> list[dict[str, Any]]:
    """Share of the bits of all means that are read, mean over heads; the parallel lane reads all."""
    return [
        {"stream": stream.name, **{name: round(share, 4) for name, share in shares.items()}}
        for stream in streams
        for shares in ({**weighted_sum_shares(stream), "pages": pages_share(stream)},)
    ]


def bits_needed(queries: Tensor, means: Tensor, shifts: Tensor, lowest: Tensor, spec: Spec) -> Tensor:
    """Bits read of each mean for each row, [R, C]; `lowest` [R, C]: the bucket below which a score is out."""
    needed = torch.full((len(queries), len(means)), KEY_BITS)
    slack = queries.clip(0).sum(1, keepdim=True)
    for bits in range(KEY_BITS - 1, 0, -1):
        unread = KEY_BITS - bits
        most = queries @ (means >> unread << unread).T + ((1 << unread) - 1) * slack
        needed[bucket(most, shifts, spec) < lowest] = bits
    return needed


def weighted_sum_shares(stream: Stream, spec: Spec = DEFAULT) -> dict[str, float]:
    """ReSV, if every row's lowest bucket were known beforehand: share of the bits read by a row, and by 16 together."""
    options = Options.of(spec)
    data = quantise_stream(stream, spec, options)
    rows: list[float] = []
    block: list[float] = []
    for h, head in enumerate(retrieve(data, spec, options).heads):
        lowest = head.rows.threshold_bucket[:, None].expand_as(head.scores)
        needed = bits_needed(data.queries[:, h], head.means, data.shifts[:, h], lowest, spec).double() / KEY_BITS
        rows.append(float(needed.mean()))
        block.append(float(needed.max(0).values.mean()))
    return {"a row": sum(rows) / len(rows), "16 rows": sum(block) / len(block)}


def pages_share(stream: Stream, spec: Spec = DEFAULT) -> float:
    """Pages, against the bound that the pages before a page give: the share of tokens is known from the start."""
    options = Options.livevlm(spec)
    data = quantise_stream(stream, spec, options)
    model = retrieve(data, spec, options)
    shares: list[float] = []
    for h, head in enumerate(model.heads):
        lowest = running_bound(head, model.table.counts, data.shifts[:, h], options.wicsum_code, spec)
        needed = bits_needed(data.queries[:, h], head.means, data.shifts[:, h], lowest[None], spec)
        shares.append(float(needed.double().mean()) / KEY_BITS)
    return sum(shares) / len(shares)


def running_bound(head: HeadResult, counts: Tensor, shifts: Tensor, code: int, spec: Spec) -> Tensor:
    """The bucket from which on the pages before each page already hold the share, 0 where they do not. [C]"""
    buckets = bucket(head.scores, shifts, spec)[0]
    wanted = code * int(counts.sum())
    held = torch.zeros(spec.buckets, dtype=torch.int64)
    bounds: list[int] = []
    for place, count in zip(buckets.tolist(), counts.tolist(), strict=True):
        reached = (held.flip(0).cumsum(0) << THRESHOLD_FRACTION) > wanted
        bounds.append(spec.buckets - 1 - int(reached.long().argmax()) if bool(reached.any()) else 0)
        held[place] += count
    return torch.tensor(bounds)
