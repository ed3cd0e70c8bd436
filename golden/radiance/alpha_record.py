"""α-records: the first significant Gaussians of every pixel, and the keys by which the cache knows them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from golden.radiance.spec import PUBLISHED_BITS, PUBLISHED_LOW, START, WORD_BITS, Spec
from golden.rows import Ints

Flags = npt.NDArray[np.bool_]
_WORD = (1 << WORD_BITS) - 1


@dataclass(frozen=True, kw_only=True)
class Records:
    """What pixels bring to the cache; any leading dimensions, such as [regions, pixels]."""

    ids: Ints  #: [..., record_length], in drawing order; 0 from `count` on
    count: Ints  #: [...] significant Gaussians met, at most record_length
    full: Flags  #: [...] the pixel asks the cache and fills it
    key: Ints  #: [..., words] of WORD_BITS, lowest first; without meaning where not `full`


def make_records(spec: Spec, ids: npt.ArrayLike, count: npt.ArrayLike, full: npt.ArrayLike | None = None) -> Records:
    """The records of pixels by the ids of their first significant Gaussians.

    Args:
        ids: [..., record_length], whole numbers below 2**id_bits, in drawing order; those from `count` on do not
            matter. Torch tensors are taken too.
        count: [...], 0 to record_length.
        full: bool [...]: which pixels ask and fill; None: those with `record_length` ids, as published.
    """
    number = np.asarray(count).astype(np.int64)
    inside = np.arange(spec.record_length) < number[..., None]
    kept = np.where(inside, np.asarray(ids).astype(np.int64), 0)
    ready = number == spec.record_length if full is None else np.asarray(full).astype(bool)
    return Records(ids=kept, count=number, full=ready, key=keys(spec, kept, number))


def keys(spec: Spec, ids: Ints, count: Ints) -> Ints:
    """The key of every record, [..., words] of WORD_BITS, lowest first.

    `published`: {ID_n[17:2], …, ID_1[17:2], ID_n[1:0], …, ID_1[1:0]}, ID_1 the nearest, so that with 4**n sets the set
    index is the ids' two lowest bits and the tag is all of their bits 2 to 17. Ids that differ above are the same.
    `hash`: `absorb` of one id after the other from START on.
    """
    return _hashed(spec, ids, count) if spec.hashed else _published(spec, ids)


def absorb(spec: Spec, state: Ints, ids: Ints) -> Ints:
    """The hash after one id more: hash' = (hash ^ id << key_bits - id_bits) · x**id_bits modulo the polynomial."""
    mixed = state ^ ids << spec.key_bits - spec.id_bits
    result = np.zeros_like(mixed)
    for k, table in enumerate(_byte_tables(spec)):
        result ^= table[mixed >> 8 * k & 255]
    return result


def set_of(spec: Spec, key: Ints) -> Ints:
    """[...] the set in which a key is looked for: its lowest bits."""
    return key[..., 0] & (spec.sets - 1)


def tag_of(spec: Spec, key: Ints) -> Ints:
    """[..., tag_words] the rest of the key, in words of WORD_BITS."""
    above = np.zeros_like(key)
    above[..., :-1] = key[..., 1:]
    tag = key >> spec.set_bits | above << WORD_BITS - spec.set_bits & _WORD
    return tag[..., : spec.tag_words]


def _published(spec: Spec, ids: Ints) -> Ints:
    high_bits = PUBLISHED_BITS - PUBLISHED_LOW
    low_part = PUBLISHED_LOW * spec.record_length
    words = np.zeros((*ids.shape[:-1], -(-spec.whole_key_bits // WORD_BITS)), np.int64)
    for k in range(spec.record_length):
        high = ids[..., k] >> PUBLISHED_LOW & (1 << high_bits) - 1
        _put(words, ids[..., k] & (1 << PUBLISHED_LOW) - 1, PUBLISHED_LOW * k)
        _put(words, high, low_part + high_bits * k)
    return words


def _put(words: Ints, value: Ints, place: int) -> None:
    """Adds `value`, of at most 16 bits, to the long numbers `words` from bit `place` on, where they are 0."""
    word, shift = divmod(place, WORD_BITS)
    words[..., word] |= value << shift & _WORD
    if word + 1 < words.shape[-1]:
        words[..., word + 1] |= value << shift >> WORD_BITS


def _hashed(spec: Spec, ids: Ints, count: Ints) -> Ints:
    state = np.full(count.shape, START, np.int64)
    for k in range(spec.record_length):
        state = np.where(k < count, absorb(spec, state, ids[..., k]), state)
    words = range(-(-spec.key_bits // WORD_BITS))
    return np.stack([state >> WORD_BITS * k & _WORD for k in words], axis=-1)


@lru_cache
def _byte_tables(spec: Spec) -> list[Ints]:
    """For every byte of the hash, what each of its values becomes: the map is linear, so that XOR joins them."""
    tables = []
    for first in range(0, spec.key_bits, 8):
        table = np.zeros(256, np.int64)
        for bit, column in enumerate(spec.hash_columns[first : first + 8]):
            table[1 << bit : 2 << bit] = table[: 1 << bit] ^ column
        tables.append(table)
    return tables
