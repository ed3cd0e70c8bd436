"""Sub-tiles: which of them ranges of numbers name, and which lane group has which."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Array, Cat, Const, Value

from golden.splat.spec import SLANTS
from hw.splat.config import Config


def numbers_inside(first: Value, last: Value, count: int) -> Value:
    """A bit for each of the numbers 0 to count - 1: whether it lies between `first` and `last`, ends included."""
    most = (1 << len(first)) - 1
    # Every number is at least 0 and at most `most`: tools warn of comparisons that are always true.
    begun = [first <= k if k < most else Const(1) for k in range(count)]
    open_ = [last >= k if k > 0 else Const(1) for k in range(count)]
    return Cat(a & b for a, b in zip(begun, open_, strict=True))


def tiles_inside(inside: Sequence[Value], direction: Value, columns: int) -> list[Value]:
    """Row by row, a bit for each sub-tile: whether its numbers have their bits in `inside`, by `RANGES`."""
    column, row, total, difference, slant = inside

    def along(c: int, r: int) -> Value:
        """Whether the sub-tile's number along the splat's direction has its bit."""
        return Array(slant[x * c + y * r - min(y, 0) * (columns - 1)] for x, y in SLANTS)[direction]

    return [
        Cat(column[c] & row[r] & total[c + r] & difference[c - r + columns - 1] & along(c, r) for c in range(columns))
        for r in range(columns)
    ]


def place_of(config: Config, group: int, local: int) -> tuple[int, int]:
    """Column and row of the sub-tile that lane group `group` knows by the number `local`.

    Sub-tile (c, r) belongs to lane group (c + r) mod lane_groups, so that neighbours in a row and in
    a column are drawn by different groups. A group numbers its own row by row.
    """
    row, among = divmod(local, config.spec.columns // config.lane_groups)
    return among * config.lane_groups + (group - row) % config.lane_groups, row


def place_bits(config: Config, group: Value, local: Value) -> tuple[Value, Value]:
    """`place_of` in hardware."""
    log2_own = (config.spec.columns // config.lane_groups).bit_length() - 1
    log2_groups = config.lane_groups.bit_length() - 1
    row = local[log2_own:]
    return Cat((group - row)[:log2_groups], local[:log2_own]), row


def global_number(config: Config, group: int, local: int) -> int:
    """The sub-tile's number in its square of pixels, row by row."""
    column, row = place_of(config, group, local)
    return row * config.spec.columns + column
