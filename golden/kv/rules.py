"""The rules by which a decoded token's tokens are selected: scan, hash clusters, pages, the exact best, or all."""

from __future__ import annotations

from functools import partial

import torch

from golden.errors import InputError
from golden.kv.decoded_clusters import clusters
from golden.kv.decoded_scan import scan
from golden.kv.decoder import SCALE_BYTES, Always, Layer, Rule, Selection, blocks, budget_of, every
from golden.kv.ranking import best, hide, joined_scores
from golden.kv.rule_names import RULES
from golden.kv.spec import KEY_BITS, THRESHOLD_FRACTION


def rule_named(name: str, budget: float, planes: int = KEY_BITS) -> Rule:
    """A rule at a budget: the share of the tokens, of `pages` for each query row; of `resv` Th_r-wics.

    Args:
        planes: that a scan reads; 8: exact.

    Raises:
        InputError: no such rule, or a budget or planes that it does not take.
    """
    if name not in RULES:
        raise InputError(f"a selection must be one of {', '.join(RULES)}, it is '{name}'")
    unit = 1 << THRESHOLD_FRACTION
    low, high = (1 / unit, 1 - 1 / unit) if name in ("resv", "pages") else (0.0, 1.0)
    if not low <= budget <= high:
        raise InputError(f"a budget of {name} must lie in {low:.4g}..{high:.4g}, it is {budget:g}")
    if not 1 <= planes <= KEY_BITS or (planes != KEY_BITS and name != "scan"):
        raise InputError(f"planes must lie in 1..{KEY_BITS}, and are a scan's, they are {planes} for {name}")
    code = max(1, round(budget * unit))
    rules: dict[str, Rule] = {
        "scan": partial(scan, share=budget, planes=planes),
        "resv": partial(clusters, code=code, paged=False),
        "pages": partial(clusters, code=code, paged=True),
        "topk": partial(exact_best, share=budget),
        "full": full,
    }
    return rules[name]


def full(layer: Layer, always: Always) -> Selection:
    """Every token in reach, by keys in float."""
    return every(layer, exact=True)


def exact_best(layer: Layer, always: Always, *, share: float) -> Selection:
    """The best by float scores, a group's rows joined by their distance to the row's largest. All keys are read."""
    heads, tokens, size = layer.keys.shape
    chosen = torch.zeros(heads, len(layer.ends), tokens, dtype=torch.bool)
    for rows, end in blocks(len(layer.ends), tokens):
        ends = layer.ends[rows]
        kept, budget = always.mask(ends, end), budget_of(share, ends, always)
        for head, (queries, keys) in enumerate(zip(layer.queries, layer.keys, strict=True)):
            scores = hide(queries[:, rows] @ keys[:end].T, ends)
            joined = joined_scores(scores, scores.amax(2, keepdim=True))
            chosen[head, rows, :end] = best(joined, kept, budget)
    search = heads * int(layer.ends.sum()) * size
    return Selection(chosen=chosen, keys=layer.keys, search_bytes=search, record_bytes=size + SCALE_BYTES)
