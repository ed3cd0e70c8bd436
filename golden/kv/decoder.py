"""A decoder's attention over what a selection keeps: keys and values as the engine stores them, byte by byte counted.

The last M of T tokens are decoded: each selects among the tokens up to its own, for the group of query heads that
share a key-value head, and attends to what is selected. Centre and scales of keys come from the first tokens, with a
margin, as a stream's must (`golden.kv.rotary`); what exceeds it is clipped. The first tokens and a window of the
latest are attended to always, whatever the rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from golden.kv.quantise import CALIBRATION, codes, plane_scale, value_scales
from golden.kv.rotary import Range, Turn, reached, still
from golden.kv.spec import KEY_BITS, KEY_MAX

ROWS = 64  # decoded tokens that are worked on together
MARGIN = 1.25  # of key scales: what is decoded may exceed what came before
SCALE_BYTES = 2  # of a token's values, a bfloat16


@dataclass(frozen=True, kw_only=True)
class Always:
    """Tokens that are attended to whatever the rule."""

    sink: int = 16  #: the first
    window: int = 64  #: the latest, the one that is decoded among them
    least: int = 0  #: so many of the best, where a share of the tokens is less

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
    turn: Turn = still  # the model's rotary embedding

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
    def calibration(self) -> Tensor:
        """The first keys, which decide centre and scales: of tokens before the decoded ones, if there are any."""
        earlier = self.keys.shape[1] - self.queries.shape[2]
        return self.keys[:, : min(earlier or self.keys.shape[1], CALIBRATION)]


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
    turn: Turn = still  #: the model's rotary embedding
    exact: bool = False  #: float values, not the engine's codes
    whole: int = 0  #: the first layers, which attend to all tokens, as few tell the others' apart there
    always: Always = field(default_factory=Always)
    traffic: Traffic = field(default_factory=Traffic)

    def __call__(self, layer: int, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        grouped = queries.unflatten(0, (len(keys), -1))
        step = Layer(queries=grouped, keys=keys, scale=self.scale, turn=self.turn)
        found = self.rule(step, self.always) if layer >= self.whole else every(step, exact=self.exact)
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


def every(layer: Layer, *, exact: bool) -> Selection:
    """All tokens in reach, by keys in float or by their codes."""
    keys = layer.keys if exact else channel_codes(layer)[0].read
    chosen = layer.reach.expand(len(keys), -1, -1)
    return Selection(chosen=chosen, keys=keys, search_bytes=0, record_bytes=layer.record_bytes)


def attend(queries: Tensor, found: Selection, values: Tensor, scale: float) -> Tensor:
    """Softmax attention of queries [group · heads, M, d] over what is chosen."""
    heads, tokens = values.shape[:2]
    grouped = queries.unflatten(0, (heads, -1))
    result = torch.empty_like(grouped)
    for rows, end in blocks(queries.shape[1], tokens):
        for head in range(heads):
            chosen = found.chosen[head, rows, :end]
            some = chosen.any(0).nonzero().flatten()  # no other token's key and value are needed
            keys, kept = (part[head, some].expand(grouped.shape[1], -1, -1) for part in (found.keys, values))
            result[head, :, rows] = scaled_dot_product_attention(
                grouped[head, :, rows], keys, kept, attn_mask=chosen[:, some], scale=scale
            )
    return result.flatten(0, 1)


def blocks(rows: int, tokens: int) -> Iterator[tuple[slice, int]]:
    """Which of the last `rows` of `tokens` tokens are worked on together, and how many tokens these have in reach."""
    for first in range(0, rows, ROWS):
        after = min(first + ROWS, rows)
        yield slice(first, after), tokens - rows + after


def stored_values(values: Tensor) -> Tensor:
    """Values [heads, T, d] as they are read back: INT8 with a scale for every token and head."""
    scales = value_scales(values)
    return codes(values, scales) * scales


@dataclass(frozen=True, kw_only=True)
class Codes:
    """A layer's keys less their centre as INT8: codes int64 [heads, T, d], scales [heads, 1, d] or [heads, 1, 1]."""

    codes: Tensor
    scale: Tensor

    @property
    def read(self) -> Tensor:
        """The keys as they are read back."""
        return self.codes * self.scale


def channel_codes(layer: Layer, planes: int = KEY_BITS) -> tuple[Codes, Codes]:
    """A scale a channel: codes for records, and those whose first planes a scan reads."""
    found = _range(layer)
    scale = _scale(found.reach)
    narrow = plane_scale(scale, found.spread, planes)
    whole = _codes(layer, found, scale)
    return whole, whole if planes == KEY_BITS else _codes(layer, found, narrow)


def head_codes(layer: Layer) -> Codes:
    """A scale a head, as `quantise` has it."""
    found = _range(layer)
    return _codes(layer, found, _scale(found.reach.amax(2, keepdim=True)))


def _range(layer: Layer) -> Range:
    return reached(layer.calibration, layer.turn, layer.keys.shape[1])


def _scale(reach: Tensor) -> Tensor:
    return torch.where(reach > 0, reach * (MARGIN / KEY_MAX), torch.ones_like(reach)).float()


def _codes(layer: Layer, found: Range, scale: Tensor) -> Codes:
    return Codes(codes=codes((layer.keys.double() - found.centre).float(), scale), scale=scale)


def budget_of(share: float, ends: Tensor, always: Always = Always()) -> Tensor:
    """Tokens that a share of those in reach are, but as many as are attended to at least, [M]."""
    return torch.minimum((ends * share).round().long().clip(min=always.least), ends)
