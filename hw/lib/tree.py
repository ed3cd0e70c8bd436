"""Balanced trees: folds whose depth grows with the logarithm of the number of operands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from amaranth.hdl import Module, Mux, Signal, Value

T = TypeVar("T")


def balanced(function: Callable[[T, T], T], items: Sequence[T]) -> T:
    """`function` over all items, in order, in ceil(log2(n)) levels.

    Amaranth walks expressions recursively, so a linear fold of a few hundred operands ends in a
    RecursionError, and as hardware it would be a chain.

    Raises:
        ValueError: no items.
    """
    if not items:
        raise ValueError("a balanced tree needs at least one operand, got 0")
    level = list(items)
    while len(level) > 1:
        level = [function(*level[k : k + 2]) if k + 1 < len(level) else level[k] for k in range(0, len(level), 2)]
    return level[0]


def add_all(items: Sequence[Value]) -> Value:
    """The exact sum; the result is wide enough for it."""
    return balanced(lambda a, b: a + b, items)


def or_all(items: Sequence[Value]) -> Value:
    """The bits that are set in any; as wide as the widest."""
    return balanced(lambda a, b: a | b, items)


def min_all(items: Sequence[Value]) -> Value:
    """The smallest. For few operands: each level names both of its own twice, so text grows as their square."""
    return balanced(lambda a, b: Mux(a < b, a, b), items)


def max_all(items: Sequence[Value]) -> Value:
    """The largest. For few operands, as `min_all`."""
    return balanced(lambda a, b: Mux(a > b, a, b), items)


def set_below(m: Module, value: Value) -> Signal:
    """Bit k is set if a bit of `value` below k is: a tree of ceil(log2(n)) levels, as wide as `value`.

    `value & ~set_below(m, value)` is the lowest set bit, without the carry of `value & -value`.
    """
    width = len(value)
    level = Signal(width, name="below_0")
    m.d.comb += level.eq(value << 1)
    reach = 1
    while reach < width - 1:
        after = Signal(width, name=f"below_{reach}")
        m.d.comb += after.eq(level | (level << reach))
        level, reach = after, 2 * reach
    return level
