"""Codebooks of a scene: symmetries change no Gaussian, and what is drawn is what the entries say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from golden.errors import InputError
from golden.scenes import Scene
from golden.splat.book_image import BookImage, pack_books
from golden.splat.codebooks import _matrices, canonical, passes, with_books
from golden.splat.memory_map import LINE_BYTES
from golden.splat.model import render
from golden.splat.scene_image import build_scene_image
from golden.splat.spec import DEFAULT, TINY
from tests.golden.splat.scenes import camera_at, random_scene
from tests.golden.splat.views import made

BOOKS = replace(TINY, codebooks=1)


def visible_scene(seed: int, count: int, *, degree: int) -> Scene:
    scene = random_scene(seed, count, degree=degree, thinnest=0.01, widest=0.1)
    return replace(scene, opacities=scene.opacities.clip(0.01))


def covariances(scales: np.ndarray, quaternions: np.ndarray) -> np.ndarray:
    axes = _matrices(quaternions.astype(np.float64)) * scales[:, None]
    return axes @ axes.transpose(0, 2, 1)


def test_symmetries_change_no_gaussian(seed: int) -> None:
    scene = visible_scene(seed, 500, degree=0)
    scales, quaternions = canonical(scene.scales, scene.quaternions)
    assert np.allclose(covariances(scales, quaternions), covariances(scene.scales, scene.quaternions), atol=1e-8)
    assert (np.diff(scales, axis=1) <= 0).all()
    assert (quaternions[:, 0] >= 0.5 - 1e-9).all()
    assert np.allclose(np.linalg.norm(quaternions, axis=1), 1)


def test_large_books_draw_the_plain_picture(seed: int) -> None:
    scene = visible_scene(seed, 60, degree=1)
    packed = with_books(scene, BOOKS, iterations=1)
    assert packed.books
    assert packed.books.sizes == (60, 60, 60, 60)
    plain, booked = made(packed, camera_at(), TINY), made(packed, camera_at(), BOOKS)
    for name in ("scale", "quaternion", "dc", "sh"):
        assert (getattr(plain.image, name)[plain.image.grid.order.argsort()] == getattr(booked.image, name)[
            booked.image.grid.order.argsort()
        ]).all()  # fmt: skip
    assert (render(plain.image, plain.frame, TINY).image == render(booked.image, booked.frame, BOOKS).image).all()


@pytest.mark.parametrize("degree", [0, 1, 3])
def test_small_books_share_entries(degree: int, seed: int) -> None:
    scene = visible_scene(seed, 700, degree=degree)
    calls: list[int] = []
    packed = with_books(scene, BOOKS, iterations=3, report=lambda: calls.append(1))
    assert len(calls) == passes(3)
    books = packed.books
    assert books
    assert books.sizes == (256, 256, 256, 64 if degree else 1)
    assert books.sh.shape[1] == (3 if degree else 0)
    image = build_scene_image(packed, BOOKS)
    assert image.books
    scale, rotation, dc, sh = image.books.index.T
    assert (image.scale == image.books.scale[scale]).all()
    assert (image.quaternion == image.books.quaternion[rotation]).all()
    assert (image.dc == image.books.dc[dc]).all()
    assert (image.sh == image.books.sh[sh]).all()
    assert (image.rank == np.arange(700)).all()
    assert np.abs(packed.means - scene.means).max() < 1e-6
    assert (np.abs(np.log2(packed.scales.max(1) / scene.scales.max(1))) < 1).all()


@pytest.mark.parametrize(("degree", "line_entries"), [(0, 1), (1, 4), (2, 2), (3, 1)])
def test_low_degrees_share_lines(degree: int, line_entries: int, seed: int) -> None:
    """A book takes the lines that its scene's degree needs, whatever the spec's; every code is in its place."""
    spec = replace(DEFAULT, codebooks=1)
    books = build_scene_image(with_books(visible_scene(seed, 90, degree=degree), spec, iterations=1), spec).books
    assert books
    packed = pack_books(books, spec)
    assert packed.sh_line_entries == line_entries
    assert len(packed.sh) == (-(-90 // line_entries) * LINE_BYTES if degree else 0)
    for k, entry in enumerate(packed.sh.reshape(-1, LINE_BYTES // line_entries)[:90] if degree else ()):
        bits = int.from_bytes(entry.tobytes(), "little")
        assert bits % 16 == books.sh_exponent[k] % 16
        codes = [(bits >> 4 + 8 * place) % 256 for place in range(books.sh[k].size)]
        assert codes == [code % 256 for code in books.sh[k].reshape(-1)], k


def test_versions_tell_layouts_apart() -> None:
    """The same bytes with other numbers of entries in a line are other books."""
    raw = np.zeros(64, np.uint8)
    assert len({BookImage(look=raw, sh=raw, sh_line_entries=k).version for k in (1, 2, 4)}) == 3


def test_a_part_keeps_its_entries(seed: int) -> None:
    packed = with_books(visible_scene(seed, 300, degree=1), BOOKS, iterations=1)
    part = packed.select(np.arange(5, 90))
    assert part.books
    assert (part.books.gathered()["scales"] == part.scales).all()
    assert (part.books.gathered()["sh"] == part.sh).all()


def test_what_has_no_books_or_too_large_ones(seed: int) -> None:
    scene = visible_scene(seed, 300, degree=1)
    with pytest.raises(InputError, match="codebooks=1 needs a scene with codebooks, made has none"):
        build_scene_image(scene, BOOKS)
    packed = with_books(scene, BOOKS, iterations=1)
    with pytest.raises(InputError, match="dc_entries must be at least the 256 of made's codebook, it is 128"):
        build_scene_image(packed, replace(BOOKS, dc_entries=128))
    with pytest.raises(InputError, match="must not exceed 64 bits, it is 67"):
        replace(DEFAULT, sh_entries=1 << 16, rotation_entries=1 << 16)
