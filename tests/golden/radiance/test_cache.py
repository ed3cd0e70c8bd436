"""Caches of regions: look-ups see the frame before, pixels go in in order, tags as in the publication's order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from golden.radiance.alpha_record import make_records
from golden.radiance.cache import RegionCache, empty_cache, frame, look_up, touch, victim
from golden.radiance.reference import Cache
from golden.radiance.reference import frame as pixel_by_pixel
from golden.radiance.spec import DEFAULT, PAPER, TINY, Spec
from tests.golden.radiance.records import frames

SPECS = {"tiny": TINY, "default": replace(DEFAULT, sets=16), "paper": replace(PAPER, sets=16),
         "eight": replace(TINY, ways=8, sets=4), "two": replace(TINY, ways=2, sets=4)}  # fmt: skip


def tags(cache: RegionCache, region: int) -> list[list[tuple[int, ...] | None]]:
    """What each way of each set holds."""
    held = zip(cache.valid[region].tolist(), cache.tag[region].tolist(), strict=True)
    return [[tuple(t) if v else None for v, t in zip(*row, strict=True)] for row in held]


@pytest.mark.parametrize("name", SPECS)
@pytest.mark.parametrize("kinds", [20, 200])
def test_tags_are_those_of_the_published_order(name: str, kinds: int, seed: int) -> None:
    """After every frame each way holds the same tag as if every pixel had filled at once.

    And the colour and ids that the reference keeps if each pixel brings what it got.
    """
    spec = SPECS[name]
    cache, plain, kept = empty_cache(spec, 2), *([Cache(spec) for _ in range(2)] for _ in range(2))
    for records, drawn in frames(spec, frames=4, regions=2, pixels=300, seed=seed, kinds=kinds):
        found, cache = frame(spec, cache, records, drawn)
        pixel_by_pixel(spec, plain, records, drawn)
        pixel_by_pixel(spec, kept, replace(records, ids=found.ids), found.colour)
        for region in range(2):
            assert tags(cache, region) == [[e and e[0] for e in line.ways] for line in plain[region].lines]
            for place, line in enumerate(kept[region].lines):
                for way, entry in enumerate(line.ways):
                    _, colour, ids = entry or (None, [0] * spec.channels, [0] * spec.record_length)
                    assert cache.value[region, place, way].tolist() == colour
                    assert cache.ids[region, place, way].tolist() == ids
        assert (found.hit <= records.full).all()
        assert not found.false.any()


def test_a_look_up_sees_the_frame_before() -> None:
    """Pixels of one record all miss in the first frame; the first one's colour is what all get in the second."""
    records = make_records(TINY, np.full((1, 4, 3), 5), np.full((1, 4), 3))
    drawn = np.arange(16).reshape(1, 4, 4)
    found, cache = frame(TINY, empty_cache(TINY), records, drawn)
    assert not found.hit.any()
    assert (found.colour == drawn).all()
    assert cache.valid.sum() == 1
    found, cache = frame(TINY, cache, records, drawn + 100)
    assert found.hit.all()
    assert (found.colour == drawn[:, :1]).all()
    assert cache.valid.sum() == 1


def test_what_was_hit_and_replaced_goes_in_again() -> None:
    """A pixel whose entry has been replaced by pixels before it brings back the colour that it got."""
    spec = Spec(record_length=1, id_bits=32, key_bits=32, sets=4, ways=2, region=4)
    same = [k for k in range(64) if make_records(spec, [[k]], [1]).key[0, 0] % 4 == 1][:3]
    first = make_records(spec, np.array(same[:1])[None, :, None], np.ones((1, 1)))
    _, cache = frame(spec, empty_cache(spec), first, np.full((1, 1, 4), 7))
    later = make_records(spec, np.array([same[1], same[2], same[0]])[None, :, None], np.ones((1, 3)))
    found, cache = frame(spec, cache, later, np.full((1, 3, 4), 9))
    assert found.hit.tolist() == [[False, False, True]]
    assert found.colour[0, 2].tolist() == [7] * 4
    # same[1] took the free way, same[2] the older one of same[0], which took that of same[1].
    assert cache.value[0, 1, :, 0].tolist() == [9, 7]
    assert cache.ids[0, 1, :, 0].tolist() == [same[2], same[0]]


def test_false_hits_are_counted_by_ids() -> None:
    """Ids 2**18 apart share a published tag; the colour's own ids stay with it when it goes in again."""
    spec = replace(PAPER, sets=4)
    near = np.arange(5)[None, None]
    _, cache = frame(spec, empty_cache(spec), make_records(spec, near, [[5]]), np.full((1, 1, 3), 1))
    far = make_records(spec, near + (1 << 18), [[5]])
    found, cache = frame(spec, cache, far, np.full((1, 1, 3), 2))
    assert found.hit.all()
    assert found.false.all()
    assert (found.ids == near).all()
    assert look_up(spec, cache, far, np.zeros((1, 1, 3))).false.all()


def test_pseudo_lru_of_four_ways() -> None:
    """Used in order 0, 2, 1, 3 the tree names 0; a way just used is never named."""
    recent = np.zeros(1, np.int64)
    for way in (0, 2, 1, 3):
        recent = touch(TINY, recent, np.array([way]))
    assert victim(TINY, recent) == 0
    every = np.repeat(np.arange(8), 4)
    way = np.tile(np.arange(4), 8)
    assert (victim(TINY, touch(TINY, every, way)) != way).all()
