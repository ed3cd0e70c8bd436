"""A scan of bit planes for every decoded token: `golden.kv.scan`, each group of query heads a job of its own."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from golden.kv.decoder import Always, Layer, Selection, blocks, budget_of, channel_codes
from golden.kv.ranking import best, hide, joined_scores
from golden.kv.scan import ScanOptions, fold, fold_all, select
from golden.kv.spec import KEY_BITS

WORD_BYTES = 64  # of a memory word


@dataclass(frozen=True, kw_only=True)
class Group:
    """One key-value head: float queries [group, M, d], codes [T, d], tokens in reach and to be chosen, [M]."""

    queries: Tensor
    keys: Tensor  # whose planes are read
    scales: Tensor  # of the keys' channels, [d]
    scale: float  # of the logits
    ends: Tensor
    budgets: Tensor
    always: Always
    planes: int


def scan(layer: Layer, always: Always, *, share: float, planes: int) -> Selection:
    """The best of a share of the tokens by `planes` planes; 8: by all, though few tokens are read so far."""
    keys, searched = channel_codes(layer, planes)
    part = scanned if planes == KEY_BITS else cut
    found = [
        part(
            Group(
                queries=queries, keys=own, scales=scale, scale=layer.scale, ends=layer.ends,
                budgets=budget_of(share, layer.ends, always), always=always, planes=planes,
            )
        )
        for queries, own, scale in zip(layer.queries, searched.codes, searched.scale[:, 0], strict=True)
    ]  # fmt: skip
    return Selection(
        chosen=torch.stack([chosen for chosen, _ in found]),
        keys=keys.read,
        search_bytes=sum(read for _, read in found),
        record_bytes=layer.record_bytes,
    )


def scanned(group: Group) -> tuple[Tensor, int]:
    """What is chosen, bool [M, T], and bytes of planes read; those of the chosen keys that are not read again less."""
    if bool((group.budgets == group.ends).all()):
        size = group.keys.shape[1]
        padding = -(-size // WORD_BYTES) * WORD_BYTES - size  # of a record's key, and of its value
        return torch.arange(len(group.keys)) < group.ends[:, None], 2 * padding * int(group.ends.sum())
    chosen = torch.zeros(len(group.ends), len(group.keys), dtype=torch.bool)
    longest, read = int((group.keys**2).sum(1).max()), 0
    for row, (budget, end) in enumerate(zip(group.budgets.tolist(), group.ends.tolist(), strict=True)):
        folded, unit = fold(group.queries[:, row], group.scales, group.scale)
        always = group.always
        options = ScanOptions(
            budget=budget, planes=group.planes, sink_tokens=always.sink, window=always.window
        )  # fmt: skip
        found = select(folded, group.keys[:end], options, unit=unit, longest=longest, word_bytes=WORD_BYTES)
        chosen[row, found.tokens] = True
        read += found.bytes_read - 2 * group.keys.shape[1] * len(found.tokens)
    return chosen, read


def cut(group: Group) -> tuple[Tensor, int]:
    """The same, of many decoded tokens at once, for a scan that ends after some planes; it reads records whole."""
    tokens, size = group.keys.shape
    unread = KEY_BITS - group.planes
    planes = (group.keys >> unread << unread).float()
    word = 8 * WORD_BYTES // size  # tokens whose plane a memory word holds
    queries = fold_all(group.queries.transpose(0, 1), group.scales)[0].transpose(0, 1).float()
    chosen = torch.zeros(len(group.ends), tokens, dtype=torch.bool)
    words = 0
    for rows, end in blocks(len(group.ends), tokens):
        ends, budgets = group.ends[rows], group.budgets[rows]
        kept = group.always.mask(ends, end)
        scores = hide(queries[:, rows] @ planes[:end].T, ends)
        chosen[rows, :end] = best(joined_scores(scores, _references(scores, ends, word)), kept, budgets)
        choosing = (budgets > kept.sum(1)) & (budgets < ends)
        words += int((-(-ends[choosing] // word) + 2).sum())  # the ends are read once more
    return chosen, words * WORD_BYTES * group.planes


def _references(scores: Tensor, ends: Tensor, word: int) -> Tensor:
    """The largest of each row's scores [group, M, T] in the first and the last word of `ends` tokens, [group, M, 1]."""
    last = ((ends - 1) // word * word)[:, None] + torch.arange(word)
    inside = last.clip(max=scores.shape[2] - 1).expand(len(scores), -1, -1)  # the last word may have tokens to come
    return torch.maximum(scores[:, :, :word].amax(2, keepdim=True), scores.gather(2, inside).amax(2, keepdim=True))
