"""Which pixels of a sub-tile lie on the image."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Signal, Value, signed
from amaranth.lib import data

from hw.chips.lumina.config import Config
from hw.splat.tiles import place_bits


def inside(m: Module, config: Config, number: Value, place: Value, size: data.View) -> Value:
    """A bit for each lane, a cycle after `place`, the sub-tile of lane group `number`.

    `size` (`size_layout`) is what lies on the image of the sub-tile's region.
    """
    side = config.spec.splat.subtile
    column, row = place_bits(config.splat, number, place)
    width = len(size.width) + 1
    rows: list[Value] = []
    for name, first, whole in (("left_columns", column, size.width), ("left_rows", row, size.height)):
        left = Signal(signed(width), name=name)
        m.d.sync += left.eq(whole - first.shift_left(side.bit_length() - 1))
        rows.append(Cat(left > k for k in range(side)))
    across, down = rows
    return Cat(down[k // side] & across[k % side] for k in range(side**2))
