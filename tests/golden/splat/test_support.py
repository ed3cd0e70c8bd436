"""Where a splat can be seen: half-widths and sub-tiles are safe, and not much too large."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from golden.splat.coarse_filter import Candidates
from golden.splat.covariance import covariance, scales
from golden.splat.extents import extents, slant_extent
from golden.splat.fine_filter import fine_filter
from golden.splat.frame import Group
from golden.splat.pixel_lane import alpha, power
from golden.splat.projection import projection
from golden.splat.raster_setup import setup
from golden.splat.slant import slant, slant_vectors
from golden.splat.spec import DEFAULT, SLANTS, TINY, Spec
from golden.splat.touch import tiles, touch
from golden.splat.view_rotation import view_rotation
from tests.golden.splat import exact
from tests.golden.splat.cases import CASES, case
from tests.golden.splat.distances import distances
from tests.golden.splat.strips import strips
from tests.golden.splat.views import View, pick

SPECS = pytest.mark.parametrize("spec", [DEFAULT, TINY], ids=["default", "tiny"])


def covariances(v: View, candidates: Candidates, group: Group) -> tuple[Tensor, Tensor]:
    p = projection(candidates.point, v.frame, group, v.spec)
    rotation = view_rotation(v.records(candidates, "quaternion"), v.frame, v.spec)
    return covariance(rotation, *scales(v.records(candidates, "scale"), v.spec), p, v.frame, v.spec)


@pytest.mark.parametrize("name", CASES)
@SPECS
def test_extents(name: str, spec: Spec, seed: int) -> None:
    """No smaller than the region of alpha >= 1/255 as the power's code has it; 2.6 % and 0.15 px larger at most."""
    v = case(name, spec)
    candidates = pick(v.everything(v.middle), 6000, seed)
    (cov, doublings), code = covariances(v, candidates, v.middle), v.records(candidates, "opacity")
    got = extents(cov, doublings, code, spec).double() * spec.mean_format.step
    # The last code that is drawn is a little above -log2(1/255): the published threshold, rounded.
    threshold = 2.0 ** -(spec.max_power * 2.0**-spec.power_fraction)
    wanted = exact.extents(exact.pixels_squared(cov, doublings), exact.opacity(code, spec) / threshold / 255)
    fits = wanted < 250_000
    assert bool((got >= wanted)[fits].all())
    assert bool((got <= 1.026 * wanted + 0.15)[fits].all())


@pytest.mark.parametrize("name", CASES)
@SPECS
def test_slant_extent(name: str, spec: Spec, seed: int) -> None:
    """The same along each splat's own direction."""
    v = case(name, spec)
    candidates = pick(v.everything(v.middle), 3000, seed)
    (cov, doublings), code = covariances(v, candidates, v.middle), v.records(candidates, "opacity")
    number = slant(cov)
    got = slant_extent(cov, doublings, code, number, spec).double() * spec.mean_format.step
    x, y = slant_vectors(number)
    xx, xy, yy = exact.pixels_squared(cov, doublings).unbind(-1)
    along = torch.stack([x * x * xx + 2 * x * y * xy + y * y * yy, xy, yy], -1)
    threshold = 2.0 ** -(spec.max_power * 2.0**-spec.power_fraction)
    wanted = exact.extents(along, exact.opacity(code, spec) / threshold / 255)[:, 0]
    fits = wanted < 1_000_000
    assert bool((got >= wanted)[fits].all())
    assert bool((got <= 1.026 * wanted + 0.15)[fits].all())


def test_slant_is_nearest_to_the_minor_axis(seed: int) -> None:
    """Of the eight directions, up to the rounding of angles; all of them are used."""
    generator = torch.Generator().manual_seed(seed)
    root = torch.randint(-2000, 2000, (2000, 2, 2), generator=generator)
    cov = (root @ root.mT).flatten(1)[:, [0, 1, 3]]
    xx, xy, yy = cov.double().unbind(-1)
    axis = torch.atan2(2 * xy, xx - yy) / 2 + math.pi / 2
    apart = torch.tensor([math.atan2(y, x) for x, y in SLANTS]) - axis[:, None]
    apart = (apart - math.pi * (apart / math.pi).round()).abs()
    number = slant(cov)
    chosen = apart.gather(1, number[:, None])[:, 0]
    # Its rule is exact: the angles of (3, 1) and (2, 1) add up to 45 degrees.
    assert bool((chosen <= apart.amin(-1) + 1e-9).all())
    assert len(number.unique()) == len(SLANTS)


def test_extents_of_what_is_too_faint() -> None:
    """Next to nothing is visible: less than 2 px."""
    faint = extents(
        torch.tensor([[1 << 20, 0, 1 << 20]] * 2),
        torch.zeros(2, dtype=torch.int64),
        torch.tensor([2047, 2044]),
        DEFAULT,
    )
    assert int(faint.max()) * DEFAULT.mean_format.step < 2  # 16 px of deviation, and next to nothing of it is seen


def test_extents_saturate() -> None:
    """What reaches further than a centre can lie is cut there."""
    high = DEFAULT.mean_format.high
    for doublings in (7, 11):
        wide = extents(torch.tensor([[1 << 34, 0, 1 << 34]]), torch.tensor([doublings]), torch.tensor([0]), DEFAULT)
        assert wide.unique().tolist() == [high]


@pytest.mark.parametrize("name", CASES)
@SPECS
def test_no_pixel_is_visible_outside_the_touched_sub_tiles(name: str, spec: Spec, seed: int) -> None:
    """Brute force over all pixels, with the conic that the covariance has in double precision."""
    v = case(name, spec)
    drawn = touched = 0
    for group in v.frame.groups[:: max(1, len(v.frame.groups) // 20)]:
        candidates = pick(v.candidates(group), 400, seed)
        splats = fine_filter(candidates, v.image, v.frame, group, spec)
        candidates = candidates.select(torch.isin(candidates.place, splats.place))
        if len(splats) == 0:
            continue
        count = spec.columns**2
        pair, subtile = torch.arange(len(splats)).repeat_interleave(count), torch.arange(count).repeat(len(splats))
        x, y = distances(exact.centre(splats.mean, splats.mean_exponent, spec)[pair], subtile, spec)
        a, b, c = exact.conic(exact.pixels_squared(*covariances(v, candidates, group)))[pair][..., None].unbind(1)
        faintest = -exact.opacity(splats.opacity, spec).log2()
        code = (a * x * x + 2 * b * x * y + c * y * y + faintest[pair, None]) * 2.0**spec.power_fraction
        here = (subtile % spec.columns < group.valid_columns) & (subtile // spec.columns < group.valid_rows)
        mask = splats.mask.flatten()
        assert not bool((code[here & ~mask] <= spec.max_power).any())
        s = setup(splats, pair[mask], subtile[mask], spec)
        seen = alpha(power(s, spec), s.bend, spec) > 0
        drawn, touched = drawn + int(seen.any(-1).sum()), touched + len(seen)
    assert drawn > 0.75 * touched > 500


@SPECS
def test_touch_is_the_strips(spec: Spec, seed: int) -> None:
    """Random strips against their definition, pixel centre by pixel centre along each direction."""
    size, step = spec.group_size, 1 << spec.screen_fraction
    splats = strips(spec, seed, 800)
    count = len(splats)
    columns, rows = spec.columns - 1, spec.columns - 2
    group = replace(case("embedded", spec).middle, valid_columns=columns, valid_rows=rows)
    got = tiles(touch(*splats[:], group, spec), splats.slant, spec)
    centre = torch.arange(size) * step + step // 2
    x, y = centre[None, :].expand(size, -1), centre[:, None].expand(-1, size)
    wanted = torch.ones(count, spec.columns, spec.columns, dtype=torch.bool)
    reaches = torch.cat([splats.extent, splats.slant_extent[:, None]], -1)
    for along, down, reach in zip(*(axis.unbind(-1) for axis in splats.axes()), reaches.unbind(-1), strict=True):
        middle = along * splats.mean[:, 0] + down * splats.mean[:, 1]
        place = along[:, None, None] * x + down[:, None, None] * y
        pixels = place.unfold(1, spec.subtile, spec.subtile).unfold(2, spec.subtile, spec.subtile).flatten(3)
        low, high = pixels.amin(-1), pixels.amax(-1)
        wanted &= (low <= (middle + reach)[:, None, None]) & (high >= (middle - reach)[:, None, None])
    wanted[:, :, columns:] = False
    wanted[:, rows:] = False
    assert torch.equal(got, wanted.flatten(1))
    assert 0.02 < float(got.double().mean()) < 0.5
