"""Payloads as Python values: ints, lists and dicts, shaped like the layout."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Shape
from amaranth.lib import data


def encode(shape: Any, value: Any) -> int:
    """The bits of a payload."""
    if isinstance(shape, data.StructLayout):
        assert set(value) == set(shape.members), f"{sorted(value)} is not {sorted(shape.members)}"
        parts = [(shape[name], value[name]) for name in value]
    elif isinstance(shape, data.ArrayLayout):
        assert len(value) == shape.length
        parts = [(shape[k], v) for k, v in enumerate(value)]
    else:
        return value & ((1 << Shape.cast(shape).width) - 1)
    return sum(encode(f.shape, v) << f.offset for f, v in parts)


def decode(shape: Any, bits: int) -> Any:
    """The value of a payload's bits."""
    if isinstance(shape, data.StructLayout):
        return {name: decode(shape[name].shape, bits >> shape[name].offset) for name in shape.members}
    if isinstance(shape, data.ArrayLayout):
        return [decode(shape[k].shape, bits >> shape[k].offset) for k in range(shape.length)]
    shape = Shape.cast(shape)
    bits &= (1 << shape.width) - 1
    return bits - (1 << shape.width) if shape.signed and bits >> (shape.width - 1) else bits


def difference(got: Any, expected: Any) -> str:
    """Names the fields that differ."""
    if isinstance(got, dict) and isinstance(expected, dict):
        return ", ".join(f"{k}: {difference(got[k], expected[k])}" for k in expected if got[k] != expected[k])
    return f"got {got!r}, expected {expected!r}"
