"""Traffic: words counted one by one, and tiles by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from golden.splat.coarse_filter import coarse_filter, voxel_fetch
from golden.splat.codebooks import with_books
from golden.splat.memory_image import aligned_first
from golden.splat.spec import TINY
from golden.splat.traffic import cache_hits, tile_centric, voxel_words
from tests.golden.splat.scenes import camera_at, random_scene, scene_of
from tests.golden.splat.views import View, made


@pytest.mark.parametrize("places", [1, 4, 16])
def test_hits_are_those_of_a_cache(places: int, seed: int) -> None:
    words = np.random.default_rng(seed).integers(0, 40, 500)
    held: dict[int, int] = {}
    hits = 0
    for word in words.tolist():
        hits += held.get(word % places) == word
        held[word % places] = word
    assert cache_hits(words, places) == hits
    assert cache_hits(words, 0) == 0


def counted(view: View, size: int, word_bytes: int) -> tuple[int, int, int]:
    """Words of coarse halves and of records, and different ones, Gaussian by Gaussian."""
    v = view
    first = aligned_first(v.image)
    coarse, records = 0, 0
    seen: set[tuple[str, int]] = set()
    for group in v.frame.groups:
        for voxel in group.voxels.tolist():
            n = int(first[voxel]) + np.arange(int(v.image.grid.count[voxel]))
            words = set((n * 8 // word_bytes).tolist())
            coarse += len(words)
            seen |= {("coarse", w) for w in words}
        streamed, visit = voxel_fetch(v.image, v.frame, group, v.spec)
        kept = coarse_filter(streamed, v.image, v.frame, group, v.spec)
        before = -1
        for place, turn in zip(streamed.place[kept].tolist(), visit[kept].tolist(), strict=True):
            voxel = int(group.voxels[turn])
            n = int(first[voxel]) + place - int(v.image.grid.first[voxel])
            for byte in range(n * size, (n + 1) * size, min(size, word_bytes)):
                if size >= word_bytes or byte // word_bytes != before:
                    records += 1
                before = byte // word_bytes
                seen.add(("record", before))
    return coarse, records, len(seen)


@pytest.mark.parametrize("codebooks", [0, 1])
@pytest.mark.parametrize("word_bytes", [16, 64])
def test_words(codebooks: int, word_bytes: int, seed: int) -> None:
    spec = replace(TINY, codebooks=codebooks)
    scene = random_scene(seed, 500, degree=1, thinnest=0.01, widest=0.1)
    view = made(with_books(scene, spec, iterations=0) if codebooks else scene, camera_at(), spec)
    found = voxel_words(view.image, view.frame, spec, word_bytes=word_bytes)
    coarse, records, distinct = counted(view, 8 if codebooks else 32, word_bytes)
    assert (found.coarse, found.record, found.distinct) == (coarse, records, distinct)
    assert found.bytes_read(word_bytes) == (coarse + records) * word_bytes
    all_kept = voxel_words(
        view.image, view.frame, spec, word_bytes=word_bytes, coarse_cache=1 << 12, record_cache=1 << 12
    )  # fmt: skip
    assert all_kept.bytes_read(word_bytes) == distinct * word_bytes


def test_tiles_by_hand() -> None:
    """Two Gaussians in the middle of tiles: 3 σ of 2 px reach no other tile, of 6 px eight more."""
    camera = replace(camera_at((0, 0, 0), size=(80, 80), focal=100.0), cx=40.0, cy=40.0)
    small = np.sqrt(2.0**2 - 0.3) * 10 / 100
    wide = np.sqrt(6.0**2 - 0.3) * 10 / 100
    scene = scene_of(np.array([[0, 0, 10.0], [0, 0, 10.0]]), np.array([[small] * 3, [wide] * 3]))
    frame = tile_centric(scene, camera)
    assert frame.pairs == 1 + 9
    assert frame.parameters == 2 * 14 * 4
    assert frame.features == 2 * (40 + 16)
    assert frame.sorting == 10 * 12 * (1 + 2 * 5)  # 25 tiles: 37 bits, 5 passes
    assert frame.drawing == 10 * 40
    assert frame.picture == 80 * 80 * 4
    assert frame.total == 112 + 112 + 1320 + 400 + 25600
