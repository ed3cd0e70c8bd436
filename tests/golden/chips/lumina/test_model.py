"""Splatting with a radiance cache: against plain loops over pixels, and against the engine without it."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache

import numpy as np
import pytest
import torch

from golden.chips.lumina.ask import ask, from_values, to_bytes, to_values
from golden.chips.lumina.drawn import Drawn, draw
from golden.chips.lumina.model import LuminaResult, answer, record, render
from golden.chips.lumina.recorder import Recorder
from golden.chips.lumina.spec import COLOUR, REMAINDER, Spec, chosen, published
from golden.errors import InputError
from golden.radiance.spec import Spec as CacheSpec
from golden.scenes import load_scene, orbit_path
from golden.splat.frame import Frame, build_frame
from golden.splat.model import render as render_splats
from golden.splat.rasteriser import rasterise
from golden.splat.scene_image import SceneImage, build_scene_image
from golden.splat.spec import TINY
from tests.golden.splat.layers import sorted_splats

WIDTH, HEIGHT = 38, 27  # squares of 16 that hang over both edges
ROOMY = CacheSpec(record_length=3, sets=4096, ways=8, region=16, id_bits=24)  # nothing is ever replaced
BASE = Spec(splat=TINY, radiance=ROOMY, near=16)


@lru_cache
def frames(count: int = 3, step: float = 0.5) -> tuple[SceneImage, list[Frame], list[Drawn]]:
    """A part of the built-in scene along an orbit."""
    scene = load_scene("embedded")
    image = build_scene_image(scene.select(np.arange(len(scene)) % 8 == 0), TINY)
    angles = [1.0 + math.radians(step) * k for k in range(count)]
    cameras = [replace(c, cx=0.8 * WIDTH) for c in orbit_path(scene, angles, width=WIDTH, height=HEIGHT)]
    views = [build_frame(image, camera, TINY) for camera in cameras]  # the right edge cuts through what there is
    return image, views, [draw(image, view, TINY, 8) for view in views]


def sequence(spec: Spec) -> list[LuminaResult]:
    """The frames, each with the caches that the one before has left."""
    results: list[LuminaResult] = []
    for number, (view, drawn) in enumerate(zip(*frames()[1:], strict=True)):
        results.append(answer(drawn, view, spec, results[-1].caches if results else None, number))
    return results


def test_the_recorder_sees_what_a_loop_over_touches_sees() -> None:
    """Ids, weights, touches and counts of every pixel, whether the splats come at once or in two slabs."""
    splats = sorted_splats("crowd", TINY, 150)
    log: list[tuple[torch.Tensor, ...]] = []
    rasterise(splats, TINY, watch=lambda *touches: log.append(touches))
    whole, parts = Recorder(TINY, 4), Recorder(TINY, 4)
    rasterise(splats, TINY, watch=whole)
    half = torch.arange(len(splats)) < 70
    pixels, *_ = rasterise(splats.select(half), TINY, watch=parts)
    rasterise(splats.select(~half), TINY, pixels, watch=parts)
    assert int(whole.met.max()) > 8
    for name in vars(whole):
        assert torch.equal(getattr(whole, name), getattr(parts, name)), name
    for subtile in range(TINY.columns**2):
        for lane in (0, 5, 15):
            ids: list[int] = []
            touches = drawn = 0
            at: list[int] = []
            for which, rank, _, weight, touched in log:
                for place in torch.nonzero(which == subtile)[:, 0].tolist():
                    for step in range(len(rank)):
                        drawn += int(touched[step, place, lane])
                        if weight[step, place, lane] > 0:
                            ids.append(int(rank[step, place]))
                            at.append(drawn)
            touches = drawn
            assert int(whole.met[subtile, lane]) == len(ids)
            assert int(whole.touches[subtile, lane]) == touches
            assert whole.ids[subtile, lane].tolist()[: len(ids)] == ids[:4]
            assert whole.touch[subtile, lane].tolist()[: len(ids)] == at[:4]


def test_without_hits_the_picture_is_the_engines() -> None:
    """Empty caches answer nothing, whatever the rules; the work is the engine's own."""
    image, views, drawn = frames()
    plain = render_splats(image, views[0], TINY)
    for spec in (BASE, replace(BASE, value=REMAINDER, through=90)):
        result = answer(drawn[0], views[0], spec)
        assert torch.equal(result.image, plain.image)
        assert torch.equal(result.uncached, plain.image)
        assert result.work == plain.work
        assert result.saving.touches == plain.work.useful_touches
        assert result.saving.blends == plain.work.changed
        assert result.saving.hits == result.saving.blends_saved == result.saving.touches_saved == 0
        assert result.saving.asked > 300
    whole = render(image, views[0], BASE)
    assert torch.equal(whole.image, plain.image)
    assert whole.saving == answer(drawn[0], views[0], BASE).saving


@pytest.mark.parametrize("through", [0, 128])
def test_pixels_ask_with_a_full_record_or_little_light(through: int) -> None:
    """Against a loop over each pixel's significant Gaussians; pixels beyond the image never ask."""
    _, views, drawn = frames()
    spec = replace(BASE, through=through)
    one = drawn[0]
    asked = ask(one, spec, torch.ones_like(one.met, dtype=torch.bool))
    found = answer(one, views[0], spec)
    size, columns = TINY.group_size, views[0].columns
    early = 0
    for region in range(len(one.met)):
        for pixel in range(size**2):
            light, color, due = TINY.full_transmittance, [0.0] * 3, None
            for n in range(min(int(one.met[region, pixel]), 3)):
                weight = int(one.weight[region, pixel, n])
                light -= weight
                color = [c + weight * int(one.color[region, pixel, n, k]) / 2**24 for k, c in enumerate(color)]
                if n == 2 or light * 256 <= through << 16:
                    due = n + 1
                    break
            early += due in (1, 2)
            assert bool(asked.asks[region, pixel]) == (due is not None)
            if due:
                assert int(asked.count[region, pixel]) == due
                assert int(asked.light[region, pixel]) == light
                assert asked.color[region, pixel].tolist() == pytest.approx([c * 2**13 for c in color], abs=1.6)
                assert int(asked.touches[region, pixel]) == int(one.touch[region, pixel, due - 1])
            y, x = region // columns * size + pixel // size, region % columns * size + pixel % size
            if y >= HEIGHT or x >= WIDTH:
                assert not found.found.hit[region, pixel]
    assert (early > 20) == (through > 0)
    inside = torch.tensor([y < HEIGHT and x < WIDTH for y, x in _places(columns, len(one.met))])
    assert found.saving.asked == int((asked.asks.flatten() & inside).sum())
    assert (asked.asks.flatten() & ~inside).any()


def _places(columns: int, regions: int) -> list[tuple[int, int]]:
    size = TINY.group_size
    return [
        (region // columns * size + pixel // size, region % columns * size + pixel % size)
        for region in range(regions)
        for pixel in range(size**2)
    ]


@pytest.mark.parametrize("near", [16, 4])
def test_a_sequence_is_a_dictionary_from_frame_to_frame(near: int) -> None:
    """With room for all, a pixel hits if the frames before have its record in its square, and gets the first's bytes.

    Fills are in pixel order, and a frame's own fills are not seen by it.
    """
    spec = replace(BASE, near=near, radiance=replace(ROOMY, record_length=3 + (near < 16)))
    known: dict[tuple[int, ...], list[int]] = {}
    _, _, drawn = frames()
    hits = 0
    for one, result in zip(drawn, sequence(spec), strict=True):
        asked = ask(one, spec, torch.ones_like(one.met, dtype=torch.bool))
        own = to_bytes(one.final_color, one.final_light, spec)
        fresh: dict[tuple[int, ...], list[int]] = {}
        for place, (y, x) in enumerate(_places(3, 6)):
            region, pixel = divmod(place, 256)
            if y >= HEIGHT or x >= WIDTH:
                continue
            wanted = own[region, pixel].tolist()
            if asked.asks[region, pixel]:
                key = (region, y // near, x // near, *one.ids[region, pixel, :3].tolist())
                hits += key in known
                assert bool(result.found.hit[region, pixel]) == (key in known)
                wanted = known.get(key, wanted)
                fresh.setdefault(key, wanted)
            assert result.image[y, x].tolist() == wanted
        known |= {key: value for key, value in fresh.items() if key not in known}
    assert hits > 100


def test_a_remainder_is_what_comes_through_the_record() -> None:
    """Exactly (C - C_asked)/T_asked to the nearest 1/128; and put back, within half a step times T_asked."""
    spec = replace(BASE, value=REMAINDER)
    one = frames()[2][0]
    asked = ask(one, spec, torch.ones_like(one.met, dtype=torch.bool))
    values = to_values(one, asked, spec)
    back = from_values(values, asked, spec)
    wanted = to_bytes(one.final_color, one.final_light, spec)
    places = torch.nonzero(asked.asks).tolist()
    assert len(places) > 300
    for place in map(tuple, places[::7]):
        light = Fraction(int(asked.light[place]), 1 << 16)
        for k in range(3):
            gained = Fraction(int(one.final_color[place][k]) - int(asked.color[place][k]), 1 << 13)
            exact = gained / light * 128
            assert int(values[place][k]) == min(255, math.floor(exact + Fraction(1, 2)))
        covered = Fraction(int(asked.light[place]) - int(one.final_light[place]), 1 << 16) / light * 128
        assert int(values[place][3]) == math.floor(covered + Fraction(1, 2))
        step = float(light) / 256 * 255 + 1
        assert (back[place] - wanted[place]).abs().max() <= step


@pytest.mark.parametrize("value", [COLOUR, REMAINDER])
def test_a_picture_that_stands_still_stays_as_it_is(value: str) -> None:
    """With an entry for every pixel, a second look at the same view hits everywhere and gives the same bytes."""
    _, views, drawn = frames()
    spec = replace(BASE, value=value, near=1, radiance=replace(ROOMY, record_length=4))
    first = answer(drawn[0], views[0], spec)
    second = answer(drawn[0], views[0], spec, first.caches, 1)
    assert second.saving.hits == second.saving.asked == first.saving.asked
    assert second.saving.false_hits == 0
    difference = (second.image.int() - first.image.int()).abs()
    assert int(difference.max()) <= (0 if value == COLOUR else 2)
    inside = torch.from_numpy(second.found.hit)
    assert second.saving.blends_saved == int((drawn[0].met - 3)[inside].sum())
    needed = torch.where(inside, drawn[0].touch[..., 2], drawn[0].touches).reshape(-1, 4, 4, 4, 4).amax((2, 4)).sum()
    assert second.saving.touches - second.saving.touches_saved == int(needed) < second.saving.touches


def test_hits_that_are_drawn_anew_renew_their_entries() -> None:
    """At a share of 1/1 nothing is ever taken from the cache; at 1/2 half of the hits are, and errors are smaller."""
    usual, all_, half = (sequence(replace(BASE, refresh=n)) for n in (0, 1, 2))
    assert all(torch.equal(result.image, result.uncached) for result in all_)
    assert all_[2].saving.hits == 0
    assert 0.3 < half[2].saving.hits / usual[2].saving.hits < 0.7
    region = int(usual[1].found.hit.sum(1).argmax())
    pixel = int(np.flatnonzero(usual[1].found.hit[region])[-1])  # the last of its record: its bytes are the entry's
    assert (all_[1].caches.value[region] == all_[1].found.colour[region, pixel]).all(-1).any()


def test_three_channels_leave_what_hits_opaque() -> None:
    """The publication's value has no coverage."""
    spec = replace(BASE, near=1, radiance=replace(ROOMY, record_length=4, channels=3))
    _, views, drawn = frames()
    first = answer(drawn[0], views[0], spec)
    second = answer(drawn[0], views[0], spec, first.caches)
    changed = (second.image != first.image).any(-1)
    assert (second.image[..., 3][changed] == 255).all()
    assert torch.equal(second.image[..., :3], first.image[..., :3])


def test_the_square_of_a_pixel_comes_before_its_gaussians() -> None:
    """Numbered row by row."""
    one = frames()[2][0]
    spec = replace(BASE, near=4, radiance=replace(ROOMY, record_length=4))
    asked = ask(one, spec, torch.ones_like(one.met, dtype=torch.bool))
    ids, count = record(one, asked, spec)
    pixel = 5 * 16 + 9
    assert ids[2, pixel].tolist() == [4 * 1 + 2, *one.ids[2, pixel, :3].tolist()]
    assert torch.equal(count, asked.count + 1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"radiance": replace(ROOMY, region=8)}, "region must be group_size, .* it is 8 for 16"),
        ({"near": 32}, "near must be at most region = 16, it is 32"),
        ({"near": 3}, "near must be a power of two, it is 3"),
        ({"through": 256}, r"through must lie in 0\.\.255, it is 256"),
        ({"value": "light"}, "value must be one of colour, remainder, it is 'light'"),
        ({"near": 8, "radiance": replace(ROOMY, record_length=1)}, "record_length must be at least 2"),
        (
            {"through": 9, "radiance": replace(ROOMY, key="published", record_length=5, sets=1024)},
            "no bits for records",
        ),
    ],
)
def test_rules_that_cannot_be_are_refused(changes: dict, message: str) -> None:
    """One line that states the rule and the value."""
    with pytest.raises(InputError, match=message):
        replace(BASE, **changes)


def test_named_rules_fit_every_engine() -> None:
    """Regions follow the engine's groups."""
    assert published(TINY).radiance.region == chosen(TINY).radiance.region == TINY.group_size
    assert (published(TINY).gaussians, published(TINY).value) == (5, COLOUR)


def test_more_gaussians_than_ids_are_refused() -> None:
    """Ids are places in the scene's file."""
    image, views, _ = frames()
    spec = replace(BASE, radiance=replace(ROOMY, id_bits=16))
    big = type("Big", (), {"__len__": lambda _: 65537})()
    with pytest.raises(InputError, match="id_bits = 16 count 65536 Gaussians, the scene has 65537"):
        render(big, views[0], spec)
    assert len(image) < 65536
