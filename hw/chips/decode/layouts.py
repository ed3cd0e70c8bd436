"""Payloads of the composition."""

from __future__ import annotations

from amaranth.lib import data

from golden.chips.decode.memory_map import HEADER
from hw.lib.row_layout import layout_of


def header_layout() -> data.StructLayout:
    """The job's header, as far as it has fields."""
    return layout_of(HEADER)
