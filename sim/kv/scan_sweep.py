"""Planes and budgets of a scan against what they read, and layouts of planes, on a language model's cache."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from golden.kv.attention import probabilities
from golden.kv.keys import KeySet
from golden.kv.quantise import centred, plane_codes, scale_of
from golden.kv.scan import ScanOptions, fold, select
from golden.kv.scan_scores import partial_scores, slack
from golden.kv.spec import DEFAULT, KEY_BITS

SHARES = (0.05, 0.1, 0.112, 0.175, 0.2)
PLANES = (2, 3, 4, 5, 8)
TOKENS_APART = 9  # decoded tokens that are measured: every ninth of the file's, from the last


@dataclass(frozen=True, kw_only=True)
class Group:
    """One key-value head and the query heads of one decoded token."""

    keys: Tensor  # int64 [T, d], whose planes are read
    queries: Tensor  # int64 [R, d]
    mass: Tensor  # [R, T] of full attention


def groups(files: KeySet, planes: int = KEY_BITS) -> Iterator[Group]:
    """Every key-value head of every layer, for some decoded tokens; the last query's token is the cache's last."""
    total, rows = files.K.shape[2], files.Q.shape[2]
    for layer, scale in enumerate(files.scales):
        plain = centred(files.K[layer], files.K[layer])
        searched, steps = plane_codes(plain, scale_of(plain, (1,)), planes)
        for head, keys in enumerate(searched):
            for row in range(rows - 1, -1, -TOKENS_APART):
                there = total - rows + 1 + row
                queries = files.Q[layer, head * files.group : (head + 1) * files.group, row]
                folded, _ = fold(queries, steps[head, 0], scale)
                mass = probabilities(queries, plain[head, :there].float(), scale)
                yield Group(keys=keys[:there], queries=folded, mass=mass)


def curve(files: KeySet) -> list[dict[str, float]]:
    """Mass kept and share of the INT8 cache's bytes read, for every number of planes and budget; means over groups."""
    rows: list[dict[str, float]] = []
    for planes in PLANES:
        found = list(groups(files, planes))
        for share in SHARES:
            mass = read = 0.0
            for group in found:
                options = ScanOptions(budget=int(share * len(group.keys)), planes=planes)
                scan = select(group.queries, group.keys, options, word_bytes=DEFAULT.word_bytes)
                mass += float(group.mass[:, scan.tokens].sum(1).mean()) / len(found)
                read += scan.bytes_read / (2 * group.keys.numel()) / len(found)
            rows.append({"planes": planes, "share": share, "mass": round(mass, 4), "read": round(read, 4)})
    return rows


def layouts(files: KeySet, share: float = 0.1) -> dict[str, float]:
    """Planes of all tokens, in 1/8 of the keys, that exact mode reads with memory words of 64 bytes, by layout.

    `word`: a word holds one plane of as many tokens as fit, as built. `channel`: one plane of one channel of 512
    tokens, so that nothing can be skipped within them. `token`: the planes behind the first four token by token.
    `bounds alone`: as built, without reading the best words whole first. `bits`: as built, were every plane of a
    token fetched alone.
    """
    sums: dict[str, float] = dict.fromkeys(("word", "channel", "token", "bounds alone", "bits"), 0.0)
    found = list(groups(files))
    for group in found:
        total, size = group.keys.shape
        budget = int(share * total)
        scan = select(group.queries, group.keys, ScanOptions(budget=budget), word_bytes=DEFAULT.word_bytes)
        tokens_a_word = 8 * DEFAULT.word_bytes // size
        sums["word"] += scan.plane_bytes / (group.keys.numel() / KEY_BITS)
        last = partial_scores(group.queries, group.keys, KEY_BITS)
        reference = last.max(1, keepdim=True).values
        exact = (last - reference).max(0).values
        least = int(exact.topk(budget).values.min())
        for name, width in (("word", tokens_a_word), ("channel", 8 * DEFAULT.word_bytes), ("bits", 1)):
            if name != "word":
                sums[name] += 4 + sum(_live(group, least, reference, planes, width) for planes in range(4, KEY_BITS))
        sums["token"] += 4 + 4 * _live(group, least, reference, 4, 8 * DEFAULT.word_bytes // (4 * size))
        for planes in range(4, KEY_BITS):
            low = _joined(group, reference, planes) - slack(group.queries, planes)
            bound = int(low.topk(budget).values.min())
            sums["bounds alone"] += _live(group, bound, reference, planes, tokens_a_word)
        sums["bounds alone"] += 4
    return {name: round(value / len(found), 2) for name, value in sums.items()}


def _joined(group: Group, reference: Tensor, planes: int) -> Tensor:
    return (partial_scores(group.queries, group.keys, planes) - reference).max(0).values


def _live(group: Group, least: int, reference: Tensor, planes: int, width: int) -> float:
    """Share of the runs of `width` tokens that hold one that may reach `least`."""
    able = _joined(group, reference, planes) + slack(group.queries, planes) >= least
    padded = torch.zeros(-(-len(able) // width) * width, dtype=torch.bool)
    padded[: len(able)] = able
    return float(padded.view(-1, width).any(1).double().mean())
