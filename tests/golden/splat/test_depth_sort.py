"""The depth sort: exact order while nothing overflows, and a defined one when something does."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golden.splat.spec import DEFAULT, Spec
from tests.golden.splat.arrivals import Arrivals, arrivals


def spec_of(levels: int, banks: int) -> Spec:
    return replace(DEFAULT, sort_levels=levels, sort_banks=banks)


SMALL = [spec_of(levels, banks) for levels, banks in ((3, 1), (3, 2), (4, 4), (3, 8))]


def waiting_room(a: Arrivals, spec: Spec) -> tuple[list[int], int, int]:
    """The rules of the docstring on a list that is searched from end to end, without a heap or counts."""
    inside: list[int] = []
    order: list[int] = []
    forced = deepest = 0

    def nearest() -> int:
        return min(inside, key=lambda i: (a.key[i], a.rank[i]))

    def leave() -> None:
        order.append(nearest())
        inside.remove(order[-1])

    capacity = spec.sort_banks * ((1 << spec.sort_levels) - 1)
    for number, voxel in enumerate(a.visit):
        while inside and a.key[nearest()] < a.bounds[voxel]:
            leave()
        if len(inside) == capacity:
            leave()
            forced += 1
        inside.append(number)
        deepest = max(deepest, len(inside))
    while inside:
        leave()
    return order, forced, deepest


@given(st.randoms(use_true_random=False), st.integers(1, 12), st.integers(0, 30), st.sampled_from([1, 4, 60, 4000]))
def test_the_order_is_exact_while_nothing_overflows(rng: Random, voxels: int, crowd: int, spread: int) -> None:
    """With room for all, survivors leave by depth, and equal depths as in the file."""
    a = arrivals(rng, voxels=voxels, crowd=crowd, spread=spread)
    order, forced, deepest = a.sorted(DEFAULT)
    assert order == a.plain
    assert forced == 0
    assert deepest <= len(a.key)


@given(st.randoms(use_true_random=False), st.sampled_from(SMALL), st.integers(1, 12), st.sampled_from([1, 20, 4000]))
def test_small_buffers_follow_the_rules(rng: Random, spec: Spec, voxels: int, spread: int) -> None:
    """Order, unsafe departures and depth are those of a plain waiting room, overflow or not."""
    a = arrivals(rng, voxels=voxels, crowd=24, spread=spread)
    result = a.sorted(spec)
    assert result == waiting_room(a, spec)
    order, forced, deepest = result
    assert sorted(order) == list(range(len(a.key)))
    assert deepest <= spec.sort_banks * spec.bank_capacity
    if order != a.plain:
        assert forced > 0, "a wrong order is never silent"


@pytest.mark.parametrize("spec", SMALL)
def test_overflow_occurs_and_repeats_itself(spec: Spec, seed: int) -> None:
    """Crowded voxels overflow small buffers, the same way every time."""
    a = arrivals(Random(seed), voxels=20, crowd=120, spread=4000)
    first = a.sorted(spec)
    assert first[1] > 50
    assert first[0] != a.plain
    assert first == a.sorted(spec)


def test_one_survivor_too_many() -> None:
    """Seven fit; the eighth makes the nearest leave, although it is nearer itself."""
    a = Arrivals(key=[80, 70, 60, 50, 40, 30, 20, 10], visit=[0] * 8, bounds=[5])
    assert a.sorted(spec_of(3, 1)) == ([6, 7, 5, 4, 3, 2, 1, 0], 1, 7)
    assert a.sorted(spec_of(4, 1)) == ([7, 6, 5, 4, 3, 2, 1, 0], 0, 8)


def test_full_banks_let_the_nearest_of_all_leave() -> None:
    """Survivor 14 finds both banks of seven full; the nearest leaves, whatever its bank, and one is enough."""
    key = [50, 11, 51, 12, 52, 90, 53, 91, 54, 92, 55, 93, 56, 94, 10]
    a = Arrivals(key=key, visit=[0] * 15, bounds=[1])
    order, forced, deepest = a.sorted(spec_of(3, 2))
    assert (order[:3], forced, deepest) == ([1, 14, 3], 1, 14)
    assert order[1:] == sorted(set(range(15)) - {1}, key=lambda i: key[i])


def test_room_that_one_bank_has_is_used() -> None:
    """All that waits came to bank 0 of two, whose neighbours left: nothing need leave before its time."""
    key = [n if n % 2 else 1000 + n for n in range(14)]
    a = Arrivals(key=[*key, *range(900, 907)], visit=[0] * 14 + [1] * 7, bounds=[0, 500])
    order, forced, deepest = a.sorted(spec_of(3, 2))
    assert (forced, deepest) == (0, 14)
    assert order == a.plain


def test_a_voxel_frees_what_is_nearer_than_its_bound() -> None:
    """Strictly nearer: with a bound of 40 the survivor of 40 stays, until the fourth newcomer finds the bank full."""
    full = [10, 20, 30, 40, 50, 60, 70]
    a = Arrivals(key=[*full, 40, 41, 42, 43], visit=[0] * 7 + [1] * 4, bounds=[10, 40])
    assert a.sorted(spec_of(3, 1)) == ([0, 1, 2, 3, 7, 8, 9, 10, 4, 5, 6], 1, 7)


def test_an_empty_group() -> None:
    """Nothing in, nothing out."""
    assert Arrivals(key=[], visit=[], bounds=[3, 4]).sorted(DEFAULT) == ([], 0, 0)
