"""Payloads as numbers: where each field of a layout lies, and the way from fields to bits and back.

Two forms of a payload's value are in use. The flat one names each innermost field by its path
(`{"mark.end": 1, "lanes.0": 7}`): comparisons and reports print it. The nested one has the shape of
the layout (`{"mark": {"end": 1}, "lanes": [7]}`): tests write it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from amaranth.hdl import Shape, ShapeLike
from amaranth.lib import data


class PlacedField(NamedTuple):
    """An innermost field of a layout and the bits of the payload that it takes."""

    name: str  #: the path through the layout, joined with dots; array elements are numbers
    offset: int  #: of its lowest bit in the whole payload
    width: int
    signed: bool


def fields_of_layout(shape: ShapeLike, name: str = "", offset: int = 0) -> list[PlacedField]:
    """Every innermost field, in the layout's order. A shape without fields is one field without a name.

    Args:
        name, offset: path and lowest bit of the shape itself where it is a part of a larger layout.
    """
    if not isinstance(shape, data.Layout):
        plain = Shape.cast(shape)
        return [PlacedField(name, offset, plain.width, plain.signed)]
    found: list[PlacedField] = []
    for key, field in shape:
        found += fields_of_layout(field.shape, f"{name}.{key}" if name else str(key), offset + field.offset)
    return found


def unpack(bits: int, shape: ShapeLike) -> dict[str, int]:
    """The flat value of a payload's bits."""
    return unpack_fields(bits, fields_of_layout(shape))


def unpack_fields(bits: int, fields: Iterable[PlacedField]) -> dict[str, int]:
    """The flat value of a payload's bits, cut by fields that were looked up before."""
    return {field.name: _cut(bits, field) for field in fields}


def unpack_nested(bits: int, shape: ShapeLike) -> Any:
    """The nested value of a payload's bits: a dict for a structure, a list for an array, else a number."""
    if isinstance(shape, data.ArrayLayout):
        return [unpack_nested(bits >> field.offset, field.shape) for _, field in shape]
    if isinstance(shape, data.Layout):
        return {key: unpack_nested(bits >> field.offset, field.shape) for key, field in shape}
    (field,) = fields_of_layout(shape)
    return _cut(bits, field)


def pack(shape: ShapeLike, value: Any) -> int:
    """The bits of a nested value, the inverse of `unpack_nested`. A number too large for its field wraps.

    Raises:
        ValueError: a field is missing, or the layout has none of that name.
    """
    if not isinstance(shape, data.Layout):
        return int(value) & (1 << Shape.cast(shape).width) - 1
    parts = dict(value) if isinstance(value, Mapping) else dict(enumerate(value))
    places = dict(iter(shape))
    if parts.keys() != places.keys():
        raise ValueError(f"fields must be {[*places]}, they are {[*parts]}")
    return sum(pack(places[key].shape, part) << places[key].offset for key, part in parts.items())


def _cut(bits: int, field: PlacedField) -> int:
    _, offset, width, signed = field
    value = bits >> offset & (1 << width) - 1
    return value - (value >> (width - 1) << width) if signed else value
