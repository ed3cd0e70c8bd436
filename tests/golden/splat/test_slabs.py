"""The host's depth slabs: what would crowd the sort is drawn in passes, exactly; what would not is left alone."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import pairwise
from random import Random

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from golden.splat.depth_key import sort_key
from golden.splat.frame import Frame
from golden.splat.model import ModelResult, render
from golden.splat.slabs import Arrivals, in_slabs, slab_cuts
from golden.splat.spec import DEFAULT, TINY, Spec
from tests.golden.splat.arrivals import Arrivals as Survivors
from tests.golden.splat.arrivals import arrivals
from tests.golden.splat.scenes import camera_at, random_scene, scene_of
from tests.golden.splat.views import View, made, view

SMALL = replace(DEFAULT, sort_levels=6, sort_banks=2)  # 126 survivors


def frame_of(v: View, spec: Spec) -> Frame:
    return in_slabs(v.image, v.frame, spec)


@cache
def crowded() -> View:
    """More survivors in most groups than `SMALL` holds at once."""
    return made(random_scene(3, 3000, thinnest=0.005, widest=0.06), camera_at(size=(100, 90)), SMALL)


@cache
def drawn() -> tuple[Frame, ModelResult]:
    frame = frame_of(crowded(), SMALL)
    return frame, render(crowded().image, frame, SMALL, keep_groups=True)


def test_slabs_draw_what_an_endless_buffer_draws() -> None:
    """Not a pixel differs, nothing leaves before its time or is read again, and the buffer is used well."""
    v = crowded()
    frame, result = drawn()
    endless = render(v.image, v.frame, replace(SMALL, sort_levels=13))
    assert endless.work.forced == 0
    assert torch.equal(result.image, endless.image)
    assert torch.equal(result.color, endless.color)
    assert result.work.forced == result.work.crowded == 0
    assert 0.8 * SMALL.sort_capacity < result.work.deepest <= SMALL.sort_capacity
    assert result.work.splats == endless.work.splats
    assert len(frame.groups) > 2 * len(v.frame.groups)


def test_the_engines_own_slabs_draw_the_same() -> None:
    """Squares that crowd the sort are read again, some several times; no pixel differs."""
    v = crowded()
    _, by_host = drawn()
    whole = render(v.image, v.frame, SMALL)
    assert torch.equal(whole.image, by_host.image)
    assert torch.equal(whole.color, by_host.color)
    assert whole.work.forced == 0
    assert whole.work.deepest == SMALL.sort_capacity
    assert whole.work.crowded > 2 * len(v.frame.groups)


def test_a_square_is_cut_from_near_to_far() -> None:
    """A square's slabs meet, reach from end to end, and differ in nothing else but their lists."""
    v = crowded()
    anywhere = SMALL.camera_format
    slabs = iter(frame_of(v, SMALL).groups)
    for whole in v.frame.groups:
        low = anywhere.low
        seen: list[int] = []
        while True:
            slab = next(slabs)
            assert slab.low == low
            low = slab.high
            assert (np.diff(slab.depths) >= 0).all()
            assert set(slab.voxels) <= set(whole.voxels)
            seen += slab.voxels.tolist()
            same = {"voxels": whole.voxels, "depths": whole.depths, "low": whole.low, "high": whole.high}
            assert replace(slab, continued=False, **same) == whole
            if not slab.continued:
                break
        assert low == anywhere.high
    assert next(slabs, None) is None


def test_one_key_stays_in_one_slab() -> None:
    """A cut never parts Gaussians of one sort key, whose order is not the depth's."""
    frame, result = drawn()
    for (group, mine), (_, behind) in pairwise(zip(frame.groups, result.groups, strict=True)):
        if group.continued and len(mine.splats) and len(behind.splats):
            assert int(mine.splats.depth.max()) < int(behind.splats.depth.min())


def test_a_group_that_fits_is_left_alone() -> None:
    """The default scene needs no slab with the default buffer: list by list what it was."""
    v = view(DEFAULT)
    groups = frame_of(v, DEFAULT).groups
    for mine, whole in zip(groups, v.frame.groups, strict=True):
        assert mine.voxels.tolist() == whole.voxels.tolist()
        assert (mine.low, mine.high, mine.continued) == (whole.low, whole.high, False)


def test_more_of_one_key_than_fit_overflow() -> None:
    """A plane that faces the camera cannot be cut: it is a slab of its own, and what cannot wait is counted.

    Whoever makes the slabs, and its splats leave in the same order.
    """
    rng = np.random.default_rng(8)
    near, far = rng.uniform(-1, 1, (300, 3)) * [1, 1, 0.5] - [0, 0, 1], rng.uniform(-1, 1, (300, 3)) * [1, 1, 0]
    spec = replace(TINY, sort_levels=7, group_size=32)
    v = made(scene_of(np.concatenate([near, far]), 0.02), camera_at(size=(32, 32), focal=25), spec)
    frame = frame_of(v, spec)
    result = render(v.image, frame, spec, keep_groups=True)
    plane = result.groups[-1].splats
    assert len(plane) == 300
    assert plane.depth.unique().tolist() == [int(sort_key(torch.tensor([int(frame.groups[-1].low)]), frame, spec))]
    assert result.work.forced == 300 - spec.sort_capacity
    assert len(frame.groups) > 2
    whole = render(v.image, v.frame, spec)
    assert whole.work.forced == result.work.forced
    assert whole.work.crowded > 0
    assert torch.equal(whole.image, result.image)


def forced_of(a: Survivors, low: int, high: int, spec: Spec) -> int:
    """How many of the keys low ≤ key < high leave the depth sort before their time."""
    kept = [i for i, key in enumerate(a.key) if low <= key < high]
    return Survivors(key=[a.key[i] for i in kept], visit=[a.visit[i] for i in kept], bounds=a.bounds).sorted(spec)[1]


@given(st.randoms(use_true_random=False), st.integers(1, 12), st.integers(0, 40), st.sampled_from([1, 20, 400]))
def test_slabs_are_as_deep_as_fits(rng: Random, voxels: int, crowd: int, spread: int) -> None:
    """No slab overflows; one key more would overflow it; a slab that overflows holds only one key."""
    spec = replace(TINY, sort_levels=4)
    a = arrivals(rng, voxels=voxels, crowd=crowd, spread=spread)
    names = ("visit", "key", "bounds")
    columns = {name: np.array(getattr(a, name), np.int64) for name in names}
    cuts = list(slab_cuts(Arrivals(**columns, depth=columns["key"]), spec.sort_capacity))
    assert cuts == sorted(set(cuts))
    for low, high in pairwise([0, *cuts, 1 << spec.depth_bits]):
        keys = sorted({key for key in a.key if low <= key < high})
        assert keys or not a.key
        assert forced_of(a, low, high, spec) == 0 or len(keys) == 1
        if high in cuts:
            assert forced_of(a, low, high + 1, spec) > 0
