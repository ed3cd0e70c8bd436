"""Saved caches: what is saved is restored, and nothing that is not whole or not one's own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from golden.radiance.cache import empty_cache, frame
from golden.radiance.memory_map import LINE_BYTES, image_bytes, set_bytes
from golden.radiance.saved import refusal, restore, save
from golden.radiance.spec import DEFAULT, PAPER, TINY, Spec
from tests.golden.radiance.records import frames

SPECS = {"tiny": TINY, "default": replace(DEFAULT, sets=16), "paper": replace(PAPER, sets=16)}


def image(spec: Spec, seed: int) -> np.ndarray:
    """A cache that one frame has left."""
    records, drawn = frames(spec, frames=1, regions=2, pixels=200, seed=seed, kinds=90)[0]
    _, cache = frame(spec, empty_cache(spec, 2), records, drawn)
    saved = save(spec, cache, 1, 77)
    restored = restore(spec, saved)
    for name in ("valid", "tag", "value", "recent"):
        assert (getattr(restored, name)[0] == getattr(cache, name)[1]).all()
    return saved


@pytest.mark.parametrize("name", SPECS)
def test_what_is_saved_is_restored(name: str, seed: int) -> None:
    assert refusal(SPECS[name], image(SPECS[name], seed), 77) is None


def test_the_published_image_is_64_kilobytes() -> None:
    """A set's 423 bits take 64 bytes."""
    assert (set_bytes(PAPER), image_bytes(PAPER)) == (64, 65_536 + LINE_BYTES)
    assert set_bytes(DEFAULT) == 32


def test_what_is_refused(seed: int) -> None:
    """Every byte that is changed, every cut, another identity, another spec."""
    whole = image(TINY, seed)
    assert refusal(TINY, whole[:-1], 77) == f"a saved cache has {image_bytes(TINY)} bytes, this one {len(whole) - 1}"
    assert refusal(TINY, whole, 78) == "its identity is 77, not 78"
    assert refusal(replace(TINY, id_bits=17), whole, 77) is None  # the same rows; `identity` tells them apart
    assert refusal(replace(TINY, record_length=2), whole, 77) == "its record_length is 3, not 2"
    checked = [*range(16), *range(LINE_BYTES, len(whole))]
    for place in checked:
        wrong = whole.copy()
        wrong[place] ^= 16
        assert refusal(TINY, wrong, 77), place
    assert refusal(TINY, np.zeros_like(whole), 77) == "its magic is 0, not 1414677297"
