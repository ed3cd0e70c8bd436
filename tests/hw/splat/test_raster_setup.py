"""Raster set-up: the power terms of the model for every splat on every sub-tile that it touches."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
import torch

from golden.formats import shift_round
from golden.splat.raster_setup import setup
from golden.splat.spec import DEFAULT, GUARD_BITS, NANO, TINY, Spec
from hw.lib.payloads import SplatLayout
from hw.splat.raster_setup import RasterSetup, cross_factors
from tests.golden.splat.cases import CASES
from tests.golden.splat.layers import pairs_of, sorted_splats
from tests.hw.splat.datapath import Payload, answers, same
from tests.hw.splat.streams import whole
from tests.hw.splat.workload import splat_payloads


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(
    ("spec", "interval"),
    [
        (DEFAULT, 1),
        (TINY, 1),
        (TINY, 2),
        (NANO, 4),
        (replace(DEFAULT, power_fraction=4, exp_entries=16, screen_fraction=4), 1),
        (replace(TINY, alpha_check="quad_centre"), 1),
    ],
    ids=["default", "tiny", "once in 2", "nano", "coarse", "centre"],
)
def test_raster_setup(name: str, spec: Spec, interval: int, seed: int) -> None:
    """Rows, columns and cross terms, the far flag, and nothing but that flag where it is set."""
    rng = Random(seed)
    splats = sorted_splats(name, spec, 1000)
    # Needles, made as sharp as the dilation allows: parts of their sub-tiles lie far from them.
    sharp = replace(splats, conic_shift=(splats.conic_shift - 5).clip(spec.mantissa_bits - 2))
    rows: list[Payload] = []
    wanted: list[Payload] = []
    # And centres far off, each on a power of two of its own.
    exponent = torch.arange(len(splats)) % (spec.furthest + 1)
    off = replace(splats, mean_exponent=exponent, conic_shift=(splats.conic_shift + 2 * exponent).clip(max=63))
    for each in (splats, sharp, off):
        pair, subtile = pairs_of(each)
        chosen = rng.sample(range(len(pair)), min(60, len(pair)))
        pair, subtile = pair[chosen], subtile[chosen]
        s = setup(each, pair, subtile, spec)
        payloads = [whole(SplatLayout(spec), p) for p in splat_payloads(each.select(pair))]
        for n, (payload, place) in enumerate(zip(payloads, subtile.tolist(), strict=True)):
            rows.append({"splat": payload, "column": place % spec.columns, "row": place // spec.columns})
            cross = [int(shift_round(s.cross[n] * k, GUARD_BITS, "half_up")) for k in cross_factors(spec)]
            terms = {"row": s.row[n].tolist(), "column": s.column[n].tolist(), "cross": cross, "far": 0}
            if spec.alpha_check == "quad_centre":
                terms["bend"] = int(s.bend[n])
            fits = max(abs(v) for name in ("row", "column", "cross") for v in terms[name]) <= spec.power_format.high
            wanted.append({"far": 1} if bool(s.far[n]) else terms)
            assert fits or bool(s.far[n]) or each is not splats
            if not fits and not bool(s.far[n]):
                wanted[-1] = {"far": 0}
    same(answers(RasterSetup(spec=spec, interval=interval), rows), wanted)


def test_far_starts_at_its_bound() -> None:
    """-log2(alpha) of 2**10 or more is far; one step less is not."""
    spec = TINY
    one = 1 << (spec.mantissa_bits - 1)
    # a·d² at d = 2 px from the centre (sub-tile 0 starts at 0.5 px): 4·a = 2**10 - 1/16, 2**10, …
    rows: list[Payload] = []
    far: list[int] = []
    for a, flag in ((one - 1, 0), (one, 1), (one + 1, 1)):
        splat = {"mean": [160, 32], "conic": [a, 0, 0], "conic_shift": 7}
        rows.append({"splat": whole(SplatLayout(spec), splat), "column": 0, "row": 0})
        far.append(flag)
    same(answers(RasterSetup(spec=spec), rows), [{"far": flag} for flag in far])
