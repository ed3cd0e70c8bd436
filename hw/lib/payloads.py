"""Payloads that more than one engine carries: splats, sorted in drawing order.

An engine's own payloads stand in its `layouts.py`. These ask of a specification only the numbers
that they are made of, so that whoever carries splats need not know the engine that makes them.
"""

from __future__ import annotations

from typing import Protocol

from amaranth.hdl import signed
from amaranth.lib import data

from golden.formats import Format
from hw.lib.fixed import shape_of


class SplatNumbers(Protocol):
    """What a specification has to say of a splat's numbers."""

    @property
    def centre_format(self) -> Format:
        """Of the centre on its exponent, from the group's corner."""
        ...

    @property
    def furthest(self) -> int:
        """The highest exponent of a centre."""
        ...

    @property
    def mantissa_bits(self) -> int:
        """Of the conic, without the sign."""
        ...

    @property
    def opacity_bits(self) -> int:
        """Of -log2 of the opacity."""
        ...

    @property
    def color_format(self) -> Format:
        """Of red, green and blue."""
        ...

    @property
    def range_sizes(self) -> tuple[int, int, int, int, int]:
        """Numbers of sub-tiles in a column's direction, a row's, their sum's, their difference's and a splat's own."""
        ...


class SplatLayout(data.StructLayout):
    """A Gaussian on the group's pixels; with `id_bits`, the one that it is."""

    def __init__(self, numbers: SplatNumbers, id_bits: int = 0) -> None:
        identity = {
            "id": id_bits,  #: its place in the file
        }
        super().__init__(
            {
                "mean": data.ArrayLayout(shape_of(numbers.centre_format), 2),  #: centre from the group's corner, …
                "mean_exponent": range(numbers.furthest + 1),  #: … x and y, in 2**mean_exponent screen units
                "conic": data.ArrayLayout(signed(numbers.mantissa_bits + 1), 3),  #: mantissas of ½·log2(e)·(a, b, c)
                "conic_shift": 6,  #: value = mantissa · 2**-shift
                "opacity": numbers.opacity_bits,  #: -log2 of it
                "color": data.ArrayLayout(numbers.color_format.width, 3),  #: red, green, blue
                **(identity if id_bits else {}),
            }
        )


class TouchLayout(data.StructLayout):
    """The sub-tiles that a splat may touch: those whose numbers lie in all five ranges, ends included."""

    def __init__(self, numbers: SplatNumbers) -> None:

        def between(count: int) -> data.StructLayout:
            """The first and the last of `count` numbers."""
            return data.StructLayout({"first": range(count), "last": range(count)})

        column, row, total, difference, slant = numbers.range_sizes
        super().__init__(
            {
                "column": between(column),  #: c
                "row": between(row),  #: r
                "sum": between(total),  #: c + r
                "difference": between(difference),  #: c - r + columns - 1
                "slant": between(slant),  #: along `direction`
                "direction": 3,  #: number of the splat's own direction
            }
        )


class SortedLayout(data.StructLayout):
    """A splat in drawing order, or the end of its group."""

    def __init__(self, numbers: SplatNumbers, id_bits: int = 0) -> None:
        super().__init__(
            {
                "end": 1,  #: the group is complete; `splat` holds none
                "kept": 1,  #: with `end`: more is drawn on the same pixels, whatever the group's entry says
                "touch": TouchLayout(numbers),  #: where it may be seen
                "splat": SplatLayout(numbers, id_bits),  #: the next one, near to far
            }
        )
