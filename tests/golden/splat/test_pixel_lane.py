"""Alpha of a pixel and what is drawn, for every table and check: against the exponential and loops over pixels."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from golden.splat.pixel_lane import alpha, centre, exp2, power
from golden.splat.raster_setup import setup
from golden.splat.spec import DEFAULT, MIN_ALPHA, TINY, Spec
from tests.golden.splat import exact
from tests.golden.splat.cases import CASES
from tests.golden.splat.distances import distances
from tests.golden.splat.layers import pairs_of, sorted_splats

SPECS = pytest.mark.parametrize("spec", [DEFAULT, TINY], ids=["default", "tiny"])
FLAT = torch.zeros(1, dtype=torch.int64)
FINE = replace(DEFAULT, power_fraction=8)
TABLES = [replace(FINE, exp_entries=n, exp_linear=lines) for n in (8, 16, 32, 64, 128) for lines in (0, 1)]


def table_name(spec: Spec) -> str:
    return f"{spec.exp_entries}-{'lines' if spec.exp_linear else 'constants'}"


def every_code(spec: Spec) -> Tensor:
    return torch.arange(spec.power_format.low, spec.power_format.high + 1)


@SPECS
def test_alpha(spec: Spec) -> None:
    """min(0.99, 2**-p) cut by less than two steps for every code from -1 to -log2(1/255); 0 for all others."""
    step = 2.0**-spec.power_fraction
    codes = every_code(spec)
    got = alpha(codes, FLAT, spec)
    drawn = (codes >= -(1 << spec.power_fraction)) & (codes <= -math.log2(MIN_ALPHA) / step)
    assert bool((got[drawn] > 0).all())
    assert not bool(got[~drawn].any())
    wanted = (2.0 ** -(codes[drawn] * step)).clip(max=0.99) * 2**spec.alpha_bits
    assert float((got[drawn] - wanted).abs().max()) < 1.5
    assert int(got.max()) == round(0.99 * 2**spec.alpha_bits)
    assert bool((got[drawn].diff() <= 0).all())


@pytest.mark.parametrize("spec", TABLES, ids=table_name)
def test_tables(spec: Spec) -> None:
    """No further from 2**-p than half an entry's step, or a line from its chord; nearly so far, for small tables."""
    codes = torch.arange(3 << spec.power_fraction)
    exact_alpha = 2.0 ** -(codes.double() / (1 << spec.power_fraction))
    below = exact_alpha < 0.95  # the first entry of a small table is below 0.99
    scale = 2**spec.alpha_bits
    off = (exp2(codes, spec) / scale / exact_alpha - 1)[below]
    step = math.log(2) / spec.exp_entries
    bound = step**2 / 16 if spec.exp_linear else step / 2  # a line is moved by half of its chord's error
    cut = 1.6 / scale / exact_alpha[below]  # rounded, then shifted and cut
    assert bool((off <= bound + cut).all())
    assert bool((off >= -bound - cut).all())
    if not spec.exp_linear and spec.exp_entries < 64:
        assert 0.8 * bound < float(off.max()) < 1.3 * bound


def test_a_table_of_all_codes_needs_no_lines() -> None:
    """64 entries for 6 bits of fraction: every word is the exponential of its own code."""
    assert DEFAULT.alpha_exp2.values == tuple(round(2 ** -(k / 64) * 1024) for k in range(64))


@pytest.mark.parametrize("bits", [8, 10, 16])
def test_behind_the_table(bits: int) -> None:
    """`preemptive=0`: alpha, cut to its bits, is at least 1/255 cut to them; the other test differs by a step."""
    after = replace(DEFAULT, preemptive=0, alpha_bits=bits)
    codes = every_code(after)
    got, value = alpha(codes, FLAT, after), exp2(codes, after)
    wanted = [
        v if p >= -64 and v >= math.floor(2**bits / 255) else 0
        for p, v in zip(codes.tolist(), value.tolist(), strict=True)
    ]
    assert got.tolist() == wanted
    differ = codes[got != alpha(codes, FLAT, replace(after, preemptive=1))]
    assert differ.tolist() in ([], [after.max_power + 1]) or bits == 8
    assert abs(int(codes[got > 0].max()) - after.max_power) <= 1


def random_powers(spec: Spec, seed: int) -> tuple[Tensor, Tensor]:
    """Around both ends of what is drawn, on sub-tiles; and second differences."""
    generator = torch.Generator().manual_seed(seed)
    ends = torch.tensor([-(1 << spec.power_fraction), 40, spec.max_power])[
        torch.randint(0, 3, (500,), generator=generator)
    ]
    ends = ends + torch.randint(-40, 41, (500,), generator=generator)
    spread = torch.randint(-20, 21, (500, spec.lanes), generator=generator)
    return ends[:, None] + spread, torch.randint(-20, 60, (500,), generator=generator)


@pytest.mark.parametrize("check", ["quad_any", "quad_centre"])
@pytest.mark.parametrize("subtile", [2, 4, 8])
def test_blocks(check: str, subtile: int, seed: int) -> None:
    """A loop over the blocks: all of a block's pixels have their own alpha, or none has any."""
    spec = replace(DEFAULT, subtile=subtile, group_size=32, alpha_check=check)
    p, bend = random_powers(spec, seed)
    got, value = alpha(p, bend, spec), exp2(p, spec)
    low, high = -(1 << spec.power_fraction), spec.max_power
    blocks = faint = 0
    for n in range(len(p)):
        for y in range(0, subtile, 2):
            for x in range(0, subtile, 2):
                lanes = [(y + j) * subtile + x + i for j in (0, 1) for i in (0, 1)]
                powers = p[n, lanes].tolist()
                middle = (powers[0] + powers[3] - int(bend[n])) // 2
                judged = powers if check == "quad_any" else [middle]
                drawn = any(low <= q <= high for q in judged)
                wanted = [int(value[n, k]) if drawn and p[n, k] >= low else 0 for k in lanes]
                assert got[n, lanes].tolist() == wanted
                blocks += drawn
                faint += sum(w > 0 and q > high for w, q in zip(wanted, powers, strict=True))
    assert min(blocks, len(p) * spec.lanes // 4 - blocks) > 100
    assert faint > 50  # pixels below 1/255 that their block draws


@pytest.mark.parametrize("name", CASES)
@SPECS
def test_centre(name: str, spec: Spec) -> None:
    """-log2(alpha) at the centre of every block is within 6 steps of the quadratic form on the stored codes there."""
    splats = sorted_splats(name, spec, 1500)
    pair, subtile = pairs_of(splats)
    x, y = distances(exact.centre(splats.mean, splats.mean_exponent, spec)[pair], subtile, spec)
    first = [k for k in range(spec.lanes) if k % spec.subtile % 2 == 0 and k // spec.subtile % 2 == 0]
    x, y = x[:, first] + 0.5, y[:, first] + 0.5
    a, b, c = (splats.conic.double() * 2.0 ** -splats.conic_shift.double()[:, None])[pair][..., None].unbind(1)
    faintest = -exact.opacity(splats.opacity, spec).log2()[pair, None]
    wanted = (a * x * x + 2 * b * x * y + c * y * y + faintest) * 2.0**spec.power_fraction
    s = setup(splats, pair, subtile, spec)
    got = centre(power(s, spec), s.bend, spec)
    visible = wanted < spec.max_power + 8
    assert int(visible.sum()) > 30
    assert float((got - wanted)[visible].abs().max()) < 6
    assert int(got[~visible].min()) > spec.max_power
