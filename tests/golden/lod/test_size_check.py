"""Size check and slack against exact arithmetic."""

from __future__ import annotations

from fractions import Fraction

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from golden.lod.size_check import size_check, slack
from golden.lod.spec import DEFAULT, Spec

COORDINATE = st.integers(-(1 << 23), (1 << 23) - 1)


@st.composite
def nodes(draw: st.DrawFn) -> tuple[list[int], list[int], list[int], int, int, int, int]:
    """Box, camera, mantissa, exponent, factor, power; distances and sizes of like magnitude."""
    scale = 1 << draw(st.integers(3, 23))
    camera = [draw(st.integers(-scale, scale - 1)) for _ in range(3)]
    low = [draw(st.integers(0, min(scale, 1 << 20))) for _ in range(3)]
    high = [v + draw(st.integers(0, min(scale, 1 << 20))) for v in low]
    exponent, power = draw(st.integers(-8, 15)), draw(st.integers(-75, -10))
    return low, high, camera, draw(st.integers(0, 127)), exponent, draw(st.integers(1 << 16, (1 << 17) - 1)), power


def squared_distance(low: list[int], high: list[int], camera: list[int]) -> int:
    return sum(max(a - c, c - b, 0) ** 2 for a, b, c in zip(low, high, camera, strict=True))


def decide(node: tuple, camera: list[int], spec: Spec = DEFAULT) -> tuple[int, int]:
    low, high, _, mantissa, exponent, factor, power = node
    one = torch.tensor
    decision = size_check(spec, one([low]), one([high]), one([mantissa]), one([exponent]), one([camera]), factor, power)
    return int(decision.big[0]), int(slack(spec, decision)[0])


def threshold(node: tuple, spec: Spec = DEFAULT) -> Fraction:
    """D²: size² · factor, as a number of cells²."""
    _, _, _, mantissa, exponent, factor, power = node
    side = (1 << spec.size_bits) + mantissa
    return side * side * factor * Fraction(2) ** (2 * exponent + power - 2 * spec.size_bits + 32)


@settings(max_examples=300)
@given(node=nodes())
def test_equals_exact_comparison_outside_the_band(node: tuple) -> None:
    """Rounding shortens d by less than 2**-15 of it, so only within that band may the decision differ."""
    low, high, camera, *_ = node
    big, _ = decide(node, camera)
    exact, limit = squared_distance(low, high, camera), threshold(node)
    if limit >= exact:
        assert big
    elif exact > limit * (1 + Fraction(1, 1 << 13)):
        assert not big


@settings(max_examples=300)
@given(node=nodes(), direction=st.tuples(COORDINATE, COORDINATE, COORDINATE), share=st.floats(0, 1))
def test_no_decision_changes_within_the_slack(node: tuple, direction: tuple[int, int, int], share: float) -> None:
    camera = node[2]
    big, free = decide(node, camera)
    length = sum(v * v for v in direction) ** 0.5
    if length:
        moved = [c + int(v * free * share / length) for c, v in zip(camera, direction, strict=True)]
        if all(abs(v) < 1 << 23 for v in moved):
            assert decide(node, moved)[0] == big


@settings(max_examples=200)
@given(node=nodes())
def test_slack_is_a_bound_and_not_far_from_it(node: tuple) -> None:
    low, high, camera, *_ = node
    _, free = decide(node, camera)
    distance, limit = squared_distance(low, high, camera) ** 0.5, float(threshold(node)) ** 0.5
    gap = abs(distance - limit)
    assert free <= gap + 1e-6 * max(distance, limit)
    # Near the threshold, where it matters, 1.5 % of the gap and the guard are lost, and one cell.
    if gap < 0.02 * distance:
        assert free >= 0.97 * gap - distance * 2.0**-12 - 1


def test_camera_inside_the_box() -> None:
    node = ([0, 0, 0], [100, 100, 100], [50, 50, 50], 0, 0, 1 << 16, -75)
    assert decide(node, node[2])[0] == 1
