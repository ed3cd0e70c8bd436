"""Rows of the memory image as layouts: what the host packs, the RTL cuts."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Shape
from amaranth.lib import data

from golden.rows import Field


def layout_of(fields: Sequence[Field]) -> data.StructLayout:
    """The layout of a row: every field in its place from bit 0 upwards, as `golden.rows.to_bytes` packs it."""
    return data.StructLayout({f.name: Shape(f.width, signed=f.signed) for f in fields})
