"""Scan: the tokens that a group of query heads needs, from keys that lie in memory as bit planes.

The R query heads of a group share a key-value head, one pass over its planes, and one selection. A
score after n planes takes the unread bits of every key at the middle of their range, so that it lies
within `slack(n)` of the INT8 score. Rows are joined by

    joined_n[t] = max_r (score_n[r, t] - reference[r]),   reference[r] = max score_first[r, t] of the ends,

where `first` is the number of planes of the first pass and the ends are the tokens in the first and in the last
memory word: attention's sink and the most recent. They are read once for that, and again with all others. The first
`sink_tokens` and the last `window` tokens are kept always; of the others those with the largest `joined`, ties to the
earliest token, so that exactly max(min(budget, T), kept always) distinct tokens are selected; top-p makes the budget
smaller. With 8 planes the order is that of the full INT8 scores, though few tokens are read to the last plane; else
it is that of the planes read.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from golden.errors import InputError
from golden.kv.scan_scores import (
    bucket_decay,
    bucket_shift,
    lowest_needed,
    partial_scores,
    slack,
    tokens_of_mass,
)
from golden.kv.spec import FIRST_PLANES, KEY_BITS, KEY_MAX, SCAN_BUCKETS, THRESHOLD_FRACTION

ALL_MASS = 1 << THRESHOLD_FRACTION


@dataclass(frozen=True, kw_only=True)
class ScanOptions:
    """What a job asks of a scan. The budget alone is top-k."""

    budget: int  #: tokens that are kept, those kept always among them; all tokens where there are fewer
    mass_code: int = ALL_MASS  #: top-p: as many tokens as hold more than this share of the softmax mass, in 1/1024
    sink_tokens: int = 16  #: the first tokens, kept always
    window: int = 64  #: the most recent tokens, kept always
    planes: int = KEY_BITS  #: that are read at most, the most significant first; 8: exact

    def __post_init__(self) -> None:
        limits = {"budget": (0, 2**31), "mass_code": (1, ALL_MASS), "sink_tokens": (0, 2**16), "window": (0, 2**16)}
        for name, (low, high) in {**limits, "planes": (1, KEY_BITS)}.items():
            if not low <= getattr(self, name) <= high:
                raise InputError(f"kv: a scan's {name} must lie in {low}..{high}, it is {getattr(self, name)}")

    @property
    def exact(self) -> bool:
        return self.planes == KEY_BITS

    @property
    def first(self) -> int:
        """Planes of the first pass."""
        return FIRST_PLANES if self.exact else self.planes

    def always(self, tokens: int) -> Tensor:
        """Which tokens are kept always, bool [T]."""
        place = torch.arange(tokens)
        return (place < self.sink_tokens) | (place >= tokens - self.window)


@dataclass(frozen=True, kw_only=True)
class Pass:
    """One pass over the planes."""

    planes: int  #: to which the words of this pass have been read after it
    words: int  #: memory words read
    bucket: int  #: the lowest that can still matter, by what is known after it


@dataclass(frozen=True, kw_only=True)
class Scan:
    """What a scan selects, and what it reads for that."""

    tokens: Tensor  # int64 [k], rising
    joined: Tensor  # int64 [T] by the planes that were read of each token
    passes: tuple[Pass, ...]  # none where there is nothing to choose
    plane_bytes: int  #: read of the planes
    record_parts: int  #: read of a selected token: 1, its value, or 2, its key too, as its score is not exact
    record_bytes: int  #: read of the selected tokens

    @property
    def bytes_read(self) -> int:
        return self.plane_bytes + self.record_bytes


def fold(queries: Tensor, key_scale: Tensor, scale: float) -> tuple[Tensor, float]:
    """Queries of a group as INT8 codes that carry the scales of the keys' channels; one step for all rows.

    Args:
        queries: float [R, d]. key_scale: float [d], key = code · key_scale. scale: of the logits.

    Returns:
        The codes, int64 [R, d], and what one unit of Σ query code · key code is of a logit.
    """
    folded, steps = fold_all(queries[None], key_scale)
    return folded[0], float(steps[0]) * scale


def fold_all(queries: Tensor, key_scale: Tensor) -> tuple[Tensor, Tensor]:
    """The same of many tokens' groups [M, R, d], each with a step of its own: the codes, and the steps [M]."""
    folded = queries.double() * key_scale.double()
    top = folded.abs().amax((1, 2))
    steps = torch.where(top > 0, top / KEY_MAX, torch.ones_like(top))
    return (folded / steps[:, None, None]).round().long(), steps


class Scanner:
    """The passes over one group's planes: what is known of every token, and how many words were read for it."""

    def __init__(self, queries: Tensor, keys: Tensor, options: ScanOptions, shift: int, word_bytes: int) -> None:
        self.queries, self.keys, self.shift = queries, keys.to(torch.int8), shift
        self.tokens = len(keys)
        self.word_tokens = 8 * word_bytes // keys.shape[1]  # whose plane a memory word holds
        self.word_of = torch.arange(self.tokens) // self.word_tokens
        self.choosable = ~options.always(self.tokens)
        first = partial_scores(queries, self.keys, options.first)
        ends = (self.word_of == 0) | (self.word_of == self.word_of[-1])
        self.reference = first[:, ends].max(1, keepdim=True).values
        self.joined = (first - self.reference).max(0).values
        self.planes = torch.full((self.words(),), options.first)  # known of each word of tokens

    def words(self) -> int:
        """Memory words of a plane."""
        return -(-self.tokens // self.word_tokens)

    def buckets(self) -> Tensor:
        """[T], the highest scores in the highest."""
        return (self.joined >> self.shift) + SCAN_BUCKETS // 2

    def counts(self, which: Tensor) -> Tensor:
        """Tokens of each bucket, among those of `which`."""
        return torch.bincount(self.buckets()[which], minlength=SCAN_BUCKETS)

    def edge(self, bucket: int) -> int:
        """The smallest joined score of a bucket."""
        return (bucket - SCAN_BUCKETS // 2) << self.shift

    def read(self, wanted: Tensor, planes: int) -> int:
        """Reads the words in which a choosable token is wanted up to so many planes. Returns the words read."""
        live = torch.zeros(self.words(), dtype=torch.bool)
        live[self.word_of[wanted & self.choosable]] = True
        words = int((planes - self.planes[live]).sum())
        self.planes[live] = planes
        touched = live[self.word_of]
        scores = partial_scores(self.queries, self.keys[touched], planes)
        self.joined[touched] = (scores - self.reference).max(0).values
        return words

    def known(self) -> Tensor:
        """Which tokens are known to the last plane, bool [T]."""
        return self.planes[self.word_of] == KEY_BITS


def select(
    queries: Tensor, keys: Tensor, options: ScanOptions, *, unit: float = 0.0, longest: int | None = None,
    word_bytes: int = 64,
) -> Scan:  # fmt: skip
    """Selects the tokens of one key-value head for a group of query heads.

    In exact mode the words that hold a token among the best so far are read whole first. Their best give a score
    that a token must be able to reach, so that plane by plane fewer words of the others are read on.

    Args:
        queries: INT8 codes [R, d], see `fold`. keys: INT8 codes [T, d].
        unit: of a logit, for top-p. longest: Σ code² of the longest key of the cache, those of `keys` if left out.
        word_bytes: of a memory word; it holds a plane of 8 · word_bytes / d tokens, rounded down.
    """
    total = len(keys)
    always = options.always(total)
    needed = max(min(options.budget, total) - int(always.sum()), 0)
    others = total - int(always.sum())
    row_bytes = -(-keys.shape[1] // word_bytes) * word_bytes
    if needed == 0 or (needed == others and options.mass_code == ALL_MASS):
        tokens = torch.arange(total)[always | (needed > 0)]
        return Scan(
            tokens=tokens,
            joined=torch.zeros(total, dtype=torch.int64),
            passes=(),
            plane_bytes=0,
            record_parts=2,
            record_bytes=2 * row_bytes * len(tokens),
        )
    square = int((keys.long() ** 2).sum(1).max()) if longest is None else longest
    shift = bucket_shift(queries, square, options.first)
    scanner = Scanner(queries, keys, options, shift, word_bytes)
    passes, needed = _passes(scanner, options, needed, unit)
    best = torch.argsort(-scanner.joined, stable=True)
    allowed = scanner.choosable & (scanner.planes[scanner.word_of] == options.planes)
    chosen = always.clone()
    chosen[best[allowed[best]][:needed]] = True
    tokens = chosen.nonzero().flatten()
    parts = 1 if options.exact else 2
    return Scan(
        tokens=tokens,
        joined=scanner.joined,
        passes=tuple(passes),
        plane_bytes=sum(p.words for p in passes) * word_bytes,
        record_parts=parts,
        record_bytes=parts * row_bytes * len(tokens),
    )


def _passes(scanner: Scanner, options: ScanOptions, needed: int, unit: float) -> tuple[list[Pass], int]:
    """All passes, and how many tokens are to be chosen."""
    choosable = scanner.choosable
    if options.mass_code < ALL_MASS:
        counts = scanner.counts(torch.ones_like(choosable))
        budget = tokens_of_mass(counts, options.mass_code, bucket_decay(unit, scanner.shift))
        needed = min(needed, max(budget - int((~choosable).sum()), 0))
    bucket = lowest_needed(scanner.counts(choosable), needed)
    words = scanner.words() + len({0, scanner.words() - 1})
    passes = [Pass(planes=options.first, words=words * options.first, bucket=bucket)]
    if not options.exact or needed == 0:
        return passes, needed
    words = scanner.read(scanner.buckets() >= bucket, KEY_BITS)
    bucket = lowest_needed(scanner.counts(choosable & scanner.known()), needed)
    passes.append(Pass(planes=KEY_BITS, words=words, bucket=bucket))
    for planes in range(options.first, KEY_BITS):
        able = scanner.joined + slack(scanner.queries, planes) >= scanner.edge(bucket)
        words = scanner.read(able & (scanner.planes[scanner.word_of] == planes), planes + 1)
        passes.append(Pass(planes=planes + 1, words=words, bucket=bucket))
    return passes, needed
