"""One-hot words: the lowest bit, what it chooses, its number."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Cat, Value, ValueCastable

from hw.lib.tree import or_all


def lowest(bits: Value) -> Value:
    """The lowest set bit alone; 0 if there is none."""
    return (bits & (~bits + 1))[: len(bits)]


def selected(chosen: Value, options: Sequence[Value | ValueCastable]) -> Value:
    """The option whose bit is set in the one-hot `chosen`; 0 if none is."""
    return or_all([Value.cast(o) & chosen[k].replicate(len(Value.cast(o))) for k, o in enumerate(options)])


def encode(one_hot: Value) -> Value:
    """The number of the one set bit; 0 if there is none."""
    width = (len(one_hot) - 1).bit_length()
    return Cat(or_all([one_hot[k] for k in range(len(one_hot)) if k >> bit & 1]) for bit in range(width))
