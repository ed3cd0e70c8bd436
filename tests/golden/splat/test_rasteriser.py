"""The rasteriser: its exponent against the quadratic form, its blend against a loop over pixels."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from fractions import Fraction

import pytest
import torch

from golden.splat import rasteriser
from golden.splat.conic import conic
from golden.splat.fine_filter import Splats
from golden.splat.pixel_lane import Pixels, alpha, pixel_bytes, power
from golden.splat.raster_setup import setup
from golden.splat.rasteriser import rasterise
from golden.splat.spec import COVARIANCE_FRACTION, DEFAULT, DILATION, HALF_LOG2E, TINY, Spec
from tests.golden.splat import exact
from tests.golden.splat.cases import CASES
from tests.golden.splat.distances import distances
from tests.golden.splat.layers import layers, pairs_of, sorted_splats

SPECS = pytest.mark.parametrize("spec", [DEFAULT, TINY], ids=["default", "tiny"])


@pytest.mark.parametrize("name", CASES)
@SPECS
def test_power(name: str, spec: Spec) -> None:
    """-log2(alpha) is within 6 steps of the quadratic form on the stored codes, and no other pixel is drawn."""
    splats = sorted_splats(name, spec, 1500)
    pair, subtile = pairs_of(splats)
    x, y = distances(exact.centre(splats.mean, splats.mean_exponent, spec)[pair], subtile, spec)
    a, b, c = (splats.conic.double() * 2.0 ** -splats.conic_shift.double()[:, None])[pair][..., None].unbind(1)
    faintest = -exact.opacity(splats.opacity, spec).log2()[pair, None]
    wanted = (a * x * x + 2 * b * x * y + c * y * y + faintest) * 2.0**spec.power_fraction
    got = power(setup(splats, pair, subtile, spec), spec)
    assert int(got.max()) <= spec.power_format.high
    visible = wanted < spec.max_power + 8
    assert int(visible.sum()) > 100
    assert float((got - wanted)[visible].abs().max()) < 6  # 5.6; 2.3 with sub-tiles of 4
    assert int(got[~visible].min()) > spec.max_power


@SPECS
def test_far_sub_tiles_are_not_drawn(spec: Spec, seed: int) -> None:
    """The sharpest conic around the group: where -log2(alpha) starts at 2**10 or more, no pixel is visible or drawn."""
    dilation = round(DILATION * (1 << COVARIANCE_FRACTION))
    mantissa, shift, _ = conic(torch.tensor([[dilation, 0, dilation]]), torch.tensor([0]), spec)
    count, reach = 100, spec.group_size << spec.screen_fraction
    generator = torch.Generator().manual_seed(seed)
    splats = replace(
        layers(spec, [0] * count, [0] * count),
        mean=torch.randint(-reach // 2, reach + reach // 2, (count, 2), generator=generator),
        conic=mantissa.expand(count, 3),
        conic_shift=shift.expand(count),
    )
    pair, subtile = pairs_of(splats)
    s = setup(splats, pair, subtile, spec)
    x, y = distances(exact.centre(splats.mean, splats.mean_exponent, spec)[pair], subtile, spec)
    wanted = (x * x + y * y) * HALF_LOG2E / (dilation / (1 << COVARIANCE_FRACTION))
    assert bool(s.far[wanted[:, 0] > 1026].all())
    assert not bool(s.far[wanted[:, 0] < 1022].any())
    assert 0.01 < float(s.far.double().mean()) < 0.97
    assert float(wanted[s.far].min()) > 8  # -log2(1/255)
    assert int(alpha(power(s, spec), s.bend, spec)[s.far].max()) == 0


def loop(splats: Splats, spec: Spec) -> tuple[list[list[list[int]]], int, int]:
    """Red, green, blue, transmittance of every pixel, splat by splat in Python's integers; and the useful touches,
    and how often a pixel changed.
    """
    pixels: list[list[list[int]]] = []
    useful = changed = 0
    for tile in range(spec.columns**2):
        here = torch.nonzero(splats.mask[:, tile])[:, 0]
        s = setup(splats, here, torch.full_like(here, tile), spec)
        alphas = alpha(power(s, spec), s.bend, spec).tolist()
        colors = splats.color[here].tolist()
        closed = [len(here)] * spec.lanes  # number of the splat that ended the pixel
        pixels.append([])
        for lane in range(spec.lanes):
            light, color = spec.full_transmittance, [0, 0, 0]
            for number, (row, tint) in enumerate(zip(alphas, colors, strict=True)):
                weight = (light * row[lane] + (1 << (spec.alpha_bits - 1))) >> spec.alpha_bits
                if row[lane] and light - weight < spec.min_transmittance:
                    closed[lane] = number
                    break
                light -= weight
                changed += weight > 0
                shift = spec.transmittance_bits + spec.color_fraction - spec.accumulator_fraction
                color = [
                    min(old + ((weight * new + (1 << (shift - 1))) >> shift), spec.accumulator_format.high)
                    for old, new in zip(color, tint, strict=True)
                ]
            pixels[-1].append([*color, light])
        useful += min(max(closed) + 1, len(here))
    return pixels, useful, changed


#: Products of more than 32 bits.
WIDE = replace(TINY, alpha_bits=16, transmittance_bits=18, color_fraction=12, accumulator_fraction=20)


@pytest.mark.parametrize("name", ["close", "far"])
@pytest.mark.parametrize("spec", [TINY, WIDE], ids=["tiny", "wide"])
def test_the_blend_is_a_loop_over_pixels(name: str, spec: Spec) -> None:
    """Every pixel, alone and splat by splat, gets the colour and transmittance that the model gives it."""
    splats = sorted_splats(name, spec, 500)
    pixels, touches, *counts = rasterise(splats, spec)
    wanted, *wanted_counts = loop(splats, spec)
    assert torch.cat([pixels.color, pixels.transmittance[..., None]], -1).tolist() == wanted
    assert touches == int(splats.mask.sum())
    assert counts == wanted_counts
    assert touches > 500


def test_colour_saturates() -> None:
    """Roundings add up to more than the format holds: as in the loop, which saturates after every splat."""
    spec = replace(TINY, color_fraction=12, accumulator_fraction=8)
    splats = layers(spec, [112] * 60, [spec.color_format.high] * 60)
    pixels, *_ = rasterise(splats, spec)
    wanted, *_ = loop(splats, spec)
    assert torch.cat([pixels.color, pixels.transmittance[..., None]], -1).tolist() == wanted
    assert int(pixels.color.max()) == spec.accumulator_format.high


@pytest.mark.parametrize("block", [1, 7, 1000])
def test_the_block_does_not_matter(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of steps that are evaluated together changes no pixel and no count."""
    splats = sorted_splats("embedded", TINY, 400)
    usual, *counts = rasterise(splats, TINY)
    monkeypatch.setattr(rasteriser, "BLOCK", block)
    other, *other_counts = rasterise(splats, TINY)
    assert other_counts == counts
    assert all(torch.equal(getattr(other, f), getattr(usual, f)) for f in ("color", "transmittance", "done"))


@SPECS
def test_opaque_sub_tiles_stop_early(spec: Spec) -> None:
    """Light after n layers of ½ is 2**-n: the one that would pass 1e-4 is left out and ends every pixel."""
    half = 1 << spec.opacity_fraction
    color = 1 << spec.color_fraction
    pixels, *counts = rasterise(layers(spec, [half] * 40, [color] * 13 + [2 * color] * 27), spec)
    tiles = spec.columns**2
    assert counts == [40 * tiles, 14 * tiles, 13 * tiles * spec.lanes]
    assert bool(pixels.done.all())
    assert pixels.transmittance.unique().tolist() == [((1 << spec.transmittance_bits) >> 13) - 1]
    red = pixels.color[..., 0].double() * spec.accumulator_format.step
    assert float((red - (1 - 2.0**-13)).abs().max()) < 1e-3


def test_splats_behind_opaque_pixels_change_nothing() -> None:
    """Whatever follows the splat that ended every pixel: the same pixels, no useful touch and no change."""
    front = layers(TINY, [1 << TINY.opacity_fraction] * 14, [300] * 14)
    behind = sorted_splats("close", TINY, 400)
    both = Splats(**{f.name: torch.cat([getattr(front, f.name), getattr(behind, f.name)]) for f in fields(Splats)})
    (alone, _, *needed), (pixels, _, *counts) = rasterise(front, TINY), rasterise(both, TINY)
    assert torch.equal(pixels.color, alone.color)
    assert torch.equal(pixels.transmittance, alone.transmittance)
    assert counts == needed


@SPECS
def test_no_splat_at_all(spec: Spec) -> None:
    """Nothing touched: transparent and black."""
    pixels, *counts = rasterise(layers(spec, [0], [0]).select(torch.tensor([False])), spec)
    assert counts == [0, 0, 0]
    assert not bool(pixel_bytes(pixels, spec).any())


@SPECS
def test_pixel_bytes(spec: Spec, seed: int) -> None:
    """value · 255 rounded half up, at most 255."""
    generator = torch.Generator().manual_seed(seed)
    high = spec.accumulator_format.high
    color = torch.randint(0, high + 1, (1, 500, 3), generator=generator)
    color[0, :4] = torch.tensor([0, 1, 1 << spec.accumulator_fraction, high])[:, None]
    light = torch.randint(0, spec.full_transmittance + 1, (1, 500), generator=generator)
    light[0, :2] = torch.tensor([0, spec.full_transmittance])
    got = pixel_bytes(Pixels(transmittance=light, done=light < 0, color=color), spec)[0].tolist()

    def byte(code: int, fraction: int) -> int:
        return min(255, math.floor(Fraction(code * 255, 1 << fraction) + Fraction(1, 2)))

    for pixel, red_green_blue, left in zip(got, color[0].tolist(), light[0].tolist(), strict=True):
        coverage = byte(spec.full_transmittance - left, spec.transmittance_bits)
        assert pixel == [*(byte(c, spec.accumulator_fraction) for c in red_green_blue), coverage]
