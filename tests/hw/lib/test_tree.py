from __future__ import annotations

import random

import pytest
from amaranth.hdl import Module, Shape, Signal, Value

from hw.lib.tree import add_all, balanced, max_all, min_all, or_all, set_below
from tests.hw.lib.simulate import evaluate, refuses


@pytest.mark.parametrize("count", [*range(1, 18), 255, 256, 257])
def test_order_and_depth(count: int) -> None:
    assert balanced(lambda a, b: a + b, [(k,) for k in range(count)]) == tuple(range(count))
    assert balanced(lambda a, b: max(a, b) + 1, [0] * count) == (count - 1).bit_length()


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("signed", [False, True])
def test_equals_python(count: int, signed: bool, rng: random.Random) -> None:
    low, high = (-16, 15) if signed else (0, 31)
    vectors = [[rng.choice((low, high, rng.randint(low, high))) for _ in range(count)] for _ in range(60)]
    vectors += [[low] * count, [high] * count]

    def build(*items: Value) -> list[Value]:
        return [add_all(items), min_all(items), max_all(items)]

    for vector, results in zip(vectors, evaluate([Shape(5, signed)] * count, build, vectors), strict=True):
        assert results == [sum(vector), min(vector), max(vector)]


def test_or(rng: random.Random) -> None:
    vectors = [[rng.getrandbits(6) for _ in range(3)] for _ in range(20)]
    results = evaluate([6] * 3, lambda *items: [or_all(items)], vectors)
    assert results == [[a | b | c] for a, b, c in vectors]


@pytest.mark.parametrize("width", [1, 2, 3, 8, 13])
def test_set_below(width: int, rng: random.Random) -> None:
    m = Module()
    vectors = [[rng.getrandbits(width) & rng.getrandbits(width)] for _ in range(60)] + [[0], [1 << (width - 1)]]
    results = evaluate([width], lambda value: [set_below(m, value)], vectors, m)
    for (value,), (below,) in zip(vectors, results, strict=True):
        assert below == sum(1 << k for k in range(width) if value & ((1 << k) - 1))


def test_a_sum_is_no_wider_than_its_depth_asks() -> None:
    assert add_all([Signal(8, name=f"s{k}") for k in range(64)]).shape() == Shape(14)


def test_many_operands_are_no_recursion() -> None:
    add_all([Signal(1, name=f"s{k}") for k in range(4096)])


def test_needs_an_operand() -> None:
    refuses("at least one operand", lambda: balanced(max, []))
