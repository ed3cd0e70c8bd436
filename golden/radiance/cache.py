"""The caches of regions: N ways of S sets each, tree pseudo-LRU, one cache for each region of a picture.

A look-up of a frame sees the cache as the frame before has left it, whatever the order or the time in which
pixels ask. The frame's pixels then go into the cache one after the other, row by row (`commit`):

1. a pixel without a full record changes nothing;
2. if an entry of its set has its tag, that entry becomes the most recent one, and keeps its colour;
3. else its tag and its colour, drawn or out of the cache, replace the lowest entry that is empty, or the one that
   pseudo-LRU names, and become the most recent one.

So pixels of one frame and one tag are merged: the first gives its colour. The tags that are in the cache after a
frame are those of the publication's order, in which a pixel that misses fills at once and the next one sees it
(`golden.radiance.reference`): there too, step 2 or 3 follows each look-up. Only which pixels hit differs.

Regions are independent of one another, and so are sets; steps 2 and 3 are taken for all of them at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from golden.radiance.alpha_record import Flags, Records, set_of, tag_of
from golden.radiance.spec import Spec
from golden.rows import Ints


@dataclass(frozen=True, kw_only=True)
class RegionCache:
    """The caches of R regions; not to be changed in place."""

    valid: Flags  #: [R, sets, ways] the entry holds something; what an empty one holds is 0
    tag: Ints  #: [R, sets, ways, tag_words]
    value: Ints  #: [R, sets, ways, channels] the colour, 0 to 255
    recent: Ints  #: [R, sets] node n of the pseudo-LRU tree, from 1 at its root, is bit n - 1
    ids: Ints  #: [R, sets, ways, record_length] of the record that filled it: to count false hits, not in hardware


@dataclass(frozen=True, kw_only=True)
class Found:
    """What the pixels of a frame got."""

    hit: Flags  #: [R, P] the pixel's colour came from the cache
    false: Flags  #: [R, P] … of an entry that was filled by a record of other ids
    colour: Ints  #: [R, P, channels] the cached colour, or that of the pixel as it was drawn
    ids: Ints  #: [R, P, record_length] of the record that the colour was drawn for


def empty_cache(spec: Spec, regions: int = 1) -> RegionCache:
    """Caches without an entry."""
    entries = (regions, spec.sets, spec.ways)
    return RegionCache(
        valid=np.zeros(entries, bool), tag=np.zeros((*entries, spec.tag_words), np.int64),
        value=np.zeros((*entries, spec.channels), np.int64), recent=np.zeros(entries[:2], np.int64),
        ids=np.zeros((*entries, spec.record_length), np.int64),
    )  # fmt: skip


def look_up(spec: Spec, cache: RegionCache, records: Records, drawn: npt.ArrayLike) -> Found:
    """Every full record of [R, P] in its region's cache, as it stands.

    Args:
        drawn: [R, P, channels] colours of pixels drawn to their end; only those of pixels that miss matter.
    """
    region = np.arange(len(records.full))[:, None]
    place = set_of(spec, records.key)
    same = (cache.tag[region, place] == tag_of(spec, records.key)[:, :, None]).all(-1) & cache.valid[region, place]
    hit, way = same.any(-1) & records.full, same.argmax(-1)
    colour = np.where(hit[..., None], cache.value[region, place, way], np.asarray(drawn).astype(np.int64))
    ids = np.where(hit[..., None], cache.ids[region, place, way], records.ids)
    return Found(hit=hit, false=(ids != records.ids).any(-1), colour=colour, ids=ids)


def commit(spec: Spec, cache: RegionCache, records: Records, found: Found) -> RegionCache:
    """The caches after every pixel of [R, P] has gone in with the colour that it got, in its region's order."""
    pixels = np.flatnonzero(records.full)
    row = (np.arange(len(records.full))[:, None] * spec.sets + set_of(spec, records.key)).reshape(-1)[pixels]
    tag = tag_of(spec, records.key).reshape(-1, spec.tag_words)[pixels]
    colour = found.colour.reshape(-1, spec.channels)[pixels]
    ids = found.ids.reshape(-1, spec.record_length)[pixels]
    new = _rows(cache)
    for some in _rounds(row, tag):
        _insert(spec, new, row[some], tag[some], colour[some], ids[some])
    return RegionCache(**{name: getattr(new, name).reshape(getattr(cache, name).shape) for name in vars(cache)})


def frame(spec: Spec, cache: RegionCache, records: Records, drawn: npt.ArrayLike) -> tuple[Found, RegionCache]:
    """Look-ups of a frame and the caches that it leaves; arguments as of `look_up`."""
    found = look_up(spec, cache, records, drawn)
    return found, commit(spec, cache, records, found)


def victim(spec: Spec, recent: Ints) -> Ints:
    """The way that pseudo-LRU names: from the root on, a node's bit is the half that was used longer ago."""
    node = np.ones_like(recent)
    for _ in range(spec.ways.bit_length() - 1):
        node = 2 * node + (recent >> node - 1 & 1)
    return node - spec.ways


def touch(spec: Spec, recent: Ints, way: Ints) -> Ints:
    """The tree after `way` was used: each node above it points to its other half."""
    node = way + spec.ways
    for _ in range(spec.ways.bit_length() - 1):
        bit = 1 << (node >> 1) - 1
        recent = np.where(node & 1, recent & ~bit, recent | bit)
        node = node >> 1
    return recent


def _rows(cache: RegionCache) -> RegionCache:
    """A copy with regions and sets in one dimension."""
    return replace(cache, **{name: array.reshape(-1, *array.shape[2:]).copy() for name, array in vars(cache).items()})


def _rounds(row: Ints, tag: Ints) -> list[Ints]:
    """Numbers of pixels, in rounds that hold at most one of each row, a row's pixels in their order.

    A pixel whose tag is that of the pixel before it in its row is left out: it would find its entry the most recent.
    """
    order = np.argsort(row, kind="stable")
    row, tag = row[order], tag[order]
    again = np.zeros(len(row), bool)
    again[1:] = (row[1:] == row[:-1]) & (tag[1:] == tag[:-1]).all(-1)
    order, row = order[~again], row[~again]
    begins = np.flatnonzero(np.concatenate([[True], row[1:] != row[:-1]])[: len(row)])
    lengths = np.diff(np.append(begins, len(row)))
    turn = np.arange(len(row)) - np.repeat(begins, lengths)
    by_turn = order[np.argsort(turn, kind="stable")]
    return np.split(by_turn, np.cumsum(np.bincount(turn))[:-1]) if len(row) else []


def _insert(spec: Spec, cache: RegionCache, row: Ints, tag: Ints, colour: Ints, ids: Ints) -> None:
    """Steps 2 and 3 for pixels of different rows, in `cache` itself."""
    valid = cache.valid[row]
    same = (cache.tag[row] == tag[:, None]).all(-1) & valid
    known = same.any(-1)
    free = np.where(valid.all(-1), victim(spec, cache.recent[row]), (~valid).argmax(-1))
    way = np.where(known, same.argmax(-1), free)
    cache.recent[row] = touch(spec, cache.recent[row], way)
    to = (row[~known], way[~known])
    cache.valid[to] = True
    for array, new in ((cache.tag, tag), (cache.value, colour), (cache.ids, ids)):
        array[to] = new[~known]
