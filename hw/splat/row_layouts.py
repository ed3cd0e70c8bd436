"""Rows of the splatting engine's memory as the RTL reads them; the tables are `golden.splat.memory_map`'s."""

from __future__ import annotations

from amaranth.lib import data

from golden.splat.memory_map import (
    BOOKS,
    GROUP,
    HEADER,
    ORDERED,
    PLACE,
    VIEW,
    VOXEL,
    coarse_half,
    index_record,
    look_entry,
    record,
    sh_entry,
)
from golden.splat.spec import Spec
from hw.lib.row_layout import layout_of


def header_layout() -> data.StructLayout:
    """The frame's header, which every stage sees."""
    return layout_of(HEADER)


def view_layout() -> data.StructLayout:
    """What the voxel sorting unit reads behind the header."""
    return layout_of(VIEW)


def place_layout() -> data.StructLayout:
    """An entry of the scene's voxel table."""
    return layout_of(PLACE)


def group_layout() -> data.StructLayout:
    """An entry of the group table."""
    return layout_of(GROUP)


def voxel_layout() -> data.StructLayout:
    """An entry of a group's visiting list."""
    return layout_of(VOXEL)


def ordered_layout() -> data.StructLayout:
    """An entry of a group's list in drawing order."""
    return layout_of(ORDERED)


def coarse_half_layout(spec: Spec) -> data.StructLayout:
    """What the coarse filter reads of a Gaussian."""
    return layout_of(coarse_half(spec))


def record_layout(spec: Spec) -> data.StructLayout:
    """A record of the highest degree that is evaluated; lower degrees leave the tail undefined."""
    return layout_of(record(spec, spec.sh_degree))


def books_layout() -> data.StructLayout:
    """Where the codebooks lie."""
    return layout_of(BOOKS)


def index_record_layout(spec: Spec) -> data.StructLayout:
    """A record that holds indices of codebooks."""
    return layout_of(index_record(spec))


def look_layout(spec: Spec) -> data.StructLayout:
    """An entry of the books of scales, quaternions and base colours."""
    return layout_of(look_entry(spec))


def sh_layout(spec: Spec) -> data.StructLayout:
    """An entry of the book of higher coefficients, of the spec's degree; a lower one's is a part of it."""
    return layout_of(sh_entry(spec, spec.sh_degree))
