"""The model of a job: visits go on from one another, and from saved caches that are whole."""

from __future__ import annotations

import numpy as np
import pytest

from golden.errors import InputError
from golden.radiance.cache import empty_cache, frame
from golden.radiance.memory_image import build_memory_image, expected_results, read_results
from golden.radiance.memory_map import RESULT_BYTES, image_bytes, result
from golden.radiance.model import Visit, join_regions, play, split_regions
from golden.radiance.saved import save
from golden.radiance.spec import DEFAULT, TINY
from golden.rows import to_bytes
from tests.golden.radiance.records import frames


def visits(seed: int) -> list[Visit]:
    """Three frames of two regions."""
    return [
        Visit(region=region, ids=records.ids[region], count=records.count[region], colour=drawn[region])
        for records, drawn in frames(TINY, frames=3, regions=2, pixels=60, seed=seed, kinds=50)
        for region in range(2)
    ]


def test_visits_go_on_from_one_another(seed: int) -> None:
    """As `frame` does for both regions at once."""
    played = play(TINY, visits(seed), [None, None], 0)
    cache = empty_cache(TINY, 2)
    for k, (records, drawn) in enumerate(frames(TINY, frames=3, regions=2, pixels=60, seed=seed, kinds=50)):
        found, cache = frame(TINY, cache, records, drawn)
        for region in range(2):
            one = played.found[2 * k + region]
            assert (one.hit[0] == found.hit[region]).all()
            assert (one.colour[0] == found.colour[region]).all()
    assert (played.caches[1].tag[0] == cache.tag[1]).all()
    assert played.refused == 0


def test_a_job_goes_on_from_saved_caches(seed: int) -> None:
    """Cut in two behind the first frame it gives the same; what is refused counts and begins empty."""
    all_visits = visits(seed)
    whole = play(TINY, all_visits, [None, None], 5)
    first = play(TINY, all_visits[:2], [None, None], 5)
    images = [save(TINY, first.caches[region], 0, 5) for region in range(2)]
    rest = play(TINY, all_visits[2:], images, 5)
    assert all((a.colour == b.colour).all() for a, b in zip(whole.found[2:], rest.found, strict=True))
    other = play(TINY, all_visits[2:], images, 6)
    assert other.refused == 2
    assert not other.found[0].hit.any()


def test_results_are_read_as_they_are_expected(seed: int) -> None:
    """The bytes of the model's answer, put where the job wants them, read back as that answer."""
    image = build_memory_image(TINY, visits(seed), [None, None], identity=3, base=64)
    played = play(TINY, visits(seed), [None, None], 3)
    raw = np.zeros(image.result_bytes, np.uint8)
    for begin, count, one in zip(image.results, image.pixels, played.found, strict=True):
        columns = {"hit": one.hit[0], **{f"colour_{k}": one.colour[0, :, k] for k in range(TINY.channels)}}
        raw[begin : begin + RESULT_BYTES * count] = to_bytes(result(TINY), columns, count).reshape(-1)
    for region in range(2):
        place = image.last_room(region)
        raw[place : place + image_bytes(TINY)] = save(TINY, played.caches[region], 0, 3)
    expected = expected_results(played, image)
    for name, array in read_results(raw, image).items():
        assert (array == expected[name]).all(), name


def test_pictures_are_cut_and_joined() -> None:
    """Regions at the edge are smaller; pixel by pixel the picture comes back."""
    picture = np.arange(70 * 130).reshape(70, 130)
    regions = split_regions(DEFAULT, picture)
    assert [len(pixels) for pixels in regions] == [4096, 4096, 128, 384, 384, 12]
    assert (join_regions(DEFAULT, regions, 70, 130) == picture).all()


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("count", np.full(60, 4), "count must lie in 0..3, it reaches 4..4"),
        ("ids", np.zeros((60, 5), int), r"ids must be \[60, 3\], it is \[60, 5\]"),
        ("colour", np.full((60, 4), 256), "colour must lie in 0..255"),
        ("region", 2, "regions are numbered 0..1, one is 2"),
    ],
)
def test_what_does_not_fit_is_refused(field: str, value: object, message: str, seed: int) -> None:
    one = visits(seed)[0]
    wrong = Visit(**{**vars(one), field: value})
    with pytest.raises(InputError, match=message):
        build_memory_image(TINY, [wrong], [None, None], identity=0)
