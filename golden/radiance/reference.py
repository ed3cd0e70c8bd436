"""The publication's cache, pixel by pixel: a pixel that misses fills at once, and the next one sees it.

Lumina (ISCA 2025) does not say which pseudo-LRU it has, nor what becomes of pixels with fewer significant Gaussians
than a record has: here a tree, and they neither ask nor fill. Written plainly, without the model's arrays.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from golden.radiance.alpha_record import Records, set_of, tag_of
from golden.radiance.cache import Found
from golden.radiance.spec import Spec


@dataclass
class Line:
    """A set: in each way nothing, or tag, colour, and ids of the record that it was filled by."""

    ways: list[tuple[tuple[int, ...], list[int], list[int]] | None]
    points: dict[tuple[int, int], int] = field(default_factory=dict)  #: first way and size of a part: its older half


def find(line: Line, tag: tuple[int, ...]) -> int | None:
    """The way that holds the tag."""
    return next((way for way, entry in enumerate(line.ways) if entry and entry[0] == tag), None)


def oldest(line: Line) -> int:
    """The lowest empty way, or else the one in the older half of the older half and so on."""
    if None in line.ways:
        return line.ways.index(None)
    first, size = 0, len(line.ways)
    while size > 1:
        half = size // 2
        first, size = first + half * line.points.get((first, size), 0), half
    return first


def use(line: Line, way: int) -> None:
    """Of every part that `way` is in, the other half is now the older one."""
    first, size = 0, len(line.ways)
    while size > 1:
        half = size // 2
        upper = way >= first + half
        line.points[first, size] = int(not upper)
        first, size = first + half * upper, half


class Cache:
    """The cache of one region."""

    def __init__(self, spec: Spec) -> None:
        self.lines = [Line([None] * spec.ways) for _ in range(spec.sets)]

    def ask(
        self, place: int, tag: tuple[int, ...], drawn: list[int], ids: list[int]
    ) -> tuple[bool, list[int], list[int]]:
        """Whether the tag was there; its colour and ids, which are the pixel's own, and now the cache's, if not."""
        line = self.lines[place]
        way = find(line, tag)
        hit = way is not None
        if way is None:
            way = oldest(line)
            line.ways[way] = tag, drawn, ids
        use(line, way)
        entry = line.ways[way]
        assert entry
        return hit, entry[1], entry[2]


def frame(spec: Spec, caches: list[Cache], records: Records, drawn: npt.ArrayLike) -> Found:
    """What the pixels of a frame get; the caches, one a region, go on to the next frame.

    Args:
        drawn: [R, P, channels] colours of pixels drawn to their end.
    """
    colour = np.array(drawn).astype(np.int64)
    hit, ids = np.zeros(records.full.shape, bool), records.ids.copy()
    places, tags = set_of(spec, records.key), tag_of(spec, records.key)
    for region, cache in enumerate(caches):
        for pixel in np.flatnonzero(records.full[region]):
            at = region, pixel
            hit[at], colour[at], ids[at] = cache.ask(
                int(places[at]), tuple(tags[at].tolist()), colour[at].tolist(), ids[at].tolist()
            )
    return Found(hit=hit, false=(ids != records.ids).any(-1), colour=colour, ids=ids)
