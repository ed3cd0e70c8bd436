"""A decoder's attention over what a selection keeps: keys and values as the engine stores them, byte by byte counted.

The last M of T tokens are decoded: each selects among the tokens up to its own, for the group of query heads that
share a key-value head, and attends to what is selected. Scales of keys come from the tokens before them, with a
margin, as a stream's must; what exceeds it is clipped. The first tokens and a window of the latest are attended to
always, whatever the rule.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from golden.kv.quantise import CALIBRATION, centred, codes, scale_of, value_scales

ROWS = 128  # decoded tokens that are worked on together
MARGIN = 1.25  # of key scales: what is decoded may exceed what came before
SCALE_BYTES = 2  # of a token's values, a bfloat16


@dataclass(frozen=True, kw_only=True)
class Always:
    """Tokens that are attended to whatever the rule."""

    sink: int = 16  #: the first
    window: int = 64  #: the latest, the one that is decoded among them

    def mask(self, ends: Tensor, tokens: int) -> Tensor:
        """bool [M, tokens] for decoded tokens that have `ends` [M] tokens in reach, themselves among them."""
        place, ends = torch.arange(tokens), ends[:, None]
        return ((place < self.sink) | (place >= ends - self.window)) & (place < ends)


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One layer of a step: float queries [heads, group, M, d], and keys of all T tokens [heads, T, d]."""

    queries: Tensor
    keys: Tensor
    scale: float  # of the logits

    @property
    def ends(self) -> Tensor:
        """Of each decoded token, how many tokens there are up to it, [M]."""
        tokens, rows = self.keys.shape[1], self.queries.shape[2]
        return torch.arange(tokens - rows, tokens) + 1

    @property
    def reach(self) -> Tensor:
        """Which tokens each decoded one may attend to, bool [M, T]."""
        return torch.arange(self.keys.shape[1]) < self.ends[:, None]

    @property
    def record_bytes(self) -> int:
        """Of a token's key and value, with the values' scale."""
        return 2 * self.keys.shape[2] + SCALE_BYTES

    @property
    def earlier(self) -> Tensor:
        """Keys of the tokens before the decoded ones, which decide scales."""
        return self.keys[:, : self.keys.shape[1] - self.queries.shape[2]]


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What is attended to, bool [heads, M, T], the keys as they are read back, and bytes read beside the records."""

    chosen: Tensor
    keys: Tensor
    search_bytes: int
    record_bytes: int  #: of a token's key and value that is chosen


#: A rule selects in a layer.
Rule = Callable[[Layer, Always], Selection]


@dataclass(kw_only=True)
class Traffic:
    """Sums over layers, heads and decoded tokens."""

    tokens: int = 0  #: in reach
    chosen: int = 0
    search_bytes: int = 0  #: read to select
    record_bytes: int = 0  #: read of keys and values that are attended to
    full_bytes: int = 0  #: keys and values of all tokens in reach

    @property
    def kept(self) -> float:
        """Share of the tokens."""
        return self.chosen / self.tokens

    @property
    def read(self) -> float:
        """Share of the bytes of full attention over INT8 keys and values."""
        return (self.search_bytes + self.record_bytes) / self.full_bytes


@dataclass(kw_only=True)
class SelectedAttention:
    """An `Attention` of `golden.llm.llama`: each decoded token attends to what the rule selects for it."""

    rule: Rule
    scale: float
    exact: bool = False  #: float values, not the engine's codes
    always: Always = field(default_factory=Always)
    traffic: Traffic = field(default_factory=Traffic)

    def __call__(self, layer: int, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        grouped = queries.unflatten(0, (len(keys), -1))
        step = Layer(queries=grouped, keys=keys, scale=self.scale)
        found = self.rule(step, self.always)
        self._count(found, step)
        back = values if self.exact else stored_values(values)
        return attend(queries, found, back, self.scale)

    def _count(self, found: Selection, step: Layer) -> None:
        reach, chosen = len(step.keys) * int(step.ends.sum()), int(found.chosen.sum())
        self.traffic.tokens += reach
        self.traffic.chosen += chosen
        self.traffic.search_bytes += found.search_bytes
        self.traffic.record_bytes += chosen * found.record_bytes
        self.traffic.full_bytes += reach * step.record_bytes


def attend(queries: Tensor, found: Selection, values: Tensor, scale: float) -> Tensor:
    """Softmax attention of queries [group · heads, M, d] over what is chosen."""
    group = len(queries) // len(values)
    parts = []
    for rows, chosen in zip(queries.split(ROWS, 1), found.chosen.split(ROWS, 1), strict=True):
        mask = chosen.repeat_interleave(group, 0)[None]
        keys, kept = found.keys[None], values[None]
        parts.append(
            scaled_dot_product_attention(rows[None], keys, kept, attn_mask=mask, scale=scale, enable_gqa=True)[0]
        )
    return torch.cat(parts, 1)


def stored_values(values: Tensor) -> Tensor:
    """Values [heads, T, d] as they are read back: INT8 with a scale for every token and head."""
    scales = value_scales(values)
    return codes(values, scales) * scales


def channel_codes(layer: Layer) -> tuple[Tensor, Tensor]:
    """Keys less their mean as INT8 with a scale a channel: codes int64 [heads, T, d], scales [heads, 1, d]."""
    keys, scale = _centred(layer, (1,))
    return codes(keys, scale), scale


def head_codes(layer: Layer) -> tuple[Tensor, Tensor]:
    """The same with a scale a head, [heads, 1, 1], as `quantise` has it."""
    keys, scale = _centred(layer, (1, 2))
    return codes(keys, scale), scale


def _centred(layer: Layer, dims: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    earlier = layer.earlier if layer.earlier.shape[1] else layer.keys
    keys = centred(layer.keys, earlier[:, :CALIBRATION])
    return keys.float(), scale_of(keys[:, : earlier.shape[1]], dims).float() * MARGIN


def budget_of(share: float, ends: Tensor) -> Tensor:
    """Tokens that a share of those in reach are, [M]."""
    return (ends * share).round().long()


def joined_scores(queries: Tensor, keys: Tensor, reach: Tensor, against: Tensor) -> Tensor:
    """max over a group's rows of a score less the row's largest among `against`, [M, T]; -∞ out of reach.

    Queries [group, M, d], keys [T, d]; what is in reach and what a row is held against are bool [M, T].
    """
    scores = queries @ keys.T
    largest = scores.masked_fill(~against, -torch.inf).amax(2, keepdim=True)
    return (scores - largest).amax(0).masked_fill(~reach, -torch.inf)


def best(scores: Tensor, kept: Tensor, count: Tensor) -> Tensor:
    """What is `kept` [M, T], and of the rest the largest of each row of scores [M, T], `count` [M] tokens in all.

    Ties go to the earliest. More than `count` are kept, where more are kept already. bool [M, T]
    """
    scores, count = scores.masked_fill(kept, torch.inf), torch.maximum(count, kept.sum(1))[:, None]
    ranked = scores.topk(max(int(count.max()), 1), 1).values
    least = ranked.gather(1, (count - 1).clip(0))
    above, level = scores > least, scores == least
    return (above | (level & (level.cumsum(1) <= count - above.sum(1, keepdim=True)))) & (count > 0)
