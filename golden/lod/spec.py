"""Everything that changes the cut that the LoD search core finds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from golden.errors import Limits, check_limits
from golden.tables import StepTable

GRID_BITS = 20  # cells along the longest side of the tree's box
CAMERA_BITS = 24  # two's complement; a camera further out is moved to the border of that cube
HEADER_BITS = 128
BLOCK_ALIGN = 64  # bytes
SIZE_EXPONENT_BITS = 3
SUBTREE_BITS = 20  # numbers of subtrees
MANTISSA = 17  # bits of a normalised distance and of the frame's constant
GUARD_SHIFT = 13  # 2**-13 of d² is taken off the slack for the rounding of d
NEVER = (1 << 32) - 1  # the deadline of a subtree without a decision
SLACK_BITS = 28
PLANE_BITS = 12  # of a coordinate of a frustum plane's normal, two's complement
PLANE_GUARD = 1 << 14  # a box this far behind a plane, times the normal's length, is outside

# Widths of the size check that follow from the formats.
DISTANCE_BITS = CAMERA_BITS + 1  #: of the distance to a box along one axis
BOX_BITS = GRID_BITS + 2  #: of a box's coordinates in its subtree's frame, in cells
DOUBLE_BITS = 42  #: of size² · factor and d² when they are compared
EXPONENT_BITS = 10  #: of the view's exponent, two's complement
#: Beyond these differences of the exponents, the mantissas do not matter: size² · factor is the larger, or the smaller.
HIGHEST, LOWEST = 4, -3


@dataclass(frozen=True, kw_only=True)
class Spec:
    """Formats and sizes of the LoD search core. Every field changes cuts or what lies in memory.

    The defaults come from the sweep in docs/lod.md.
    """

    subtree_nodes: int = 26  #: most nodes of a subtree
    box_bits: int = 7  #: each of the six coordinates of a box, in its subtree's own frame
    size_bits: int = 8  #: mantissa of a node's size, after the leading one

    LIMITS: ClassVar[Limits] = {"subtree_nodes": (2, 32), "box_bits": (6, 16), "size_bits": (4, 8)}
    POWERS: ClassVar = ()

    def __post_init__(self) -> None:
        check_limits("lod", self)

    @property
    def node_bits(self) -> int:
        """A node's record: 64 bits if its fields fit, else 128."""
        return 64 if self.used_node_bits <= 64 else 128

    @property
    def used_node_bits(self) -> int:
        """Box, size, and 11 bits of structure."""
        return 6 * self.box_bits + SIZE_EXPONENT_BITS + self.size_bits + 11

    @property
    def header_slots(self) -> int:
        """Places of a node that a subtree's header takes."""
        return HEADER_BITS // self.node_bits

    @property
    def block_bytes(self) -> int:
        """A subtree in memory: its header and its nodes, up to a whole line."""
        used = (self.header_slots + self.subtree_nodes) * self.node_bits // 8
        return -(-used // BLOCK_ALIGN) * BLOCK_ALIGN

    @property
    def product_up(self) -> int:
        """The left shift that puts size² · constant, mantissas of `size_bits` and 17 bits, in [2**32, 2**35)."""
        return 16 - 2 * self.size_bits

    @cached_property
    def slack_rsqrt(self) -> StepTable:
        """2**8.5 / sqrt(x) for x in [1, 4), never above it; codes below 64 are not used.

        The argument's code is x · 64; a step's upper end gives a lower bound.
        """
        return StepTable(
            function=lambda x: math.floor(2**8.5 / math.sqrt(max(x, 1.0))),
            low=0,
            span=4,
            in_bits=8,
            out_fraction=0,
            offset=1,
        )


DEFAULT = Spec()
#: SLTarch's formats are not published; its subtrees of 32 nodes are.
PAPER = Spec(subtree_nodes=32)
#: Unit tests and small FPGAs: a subtree is one line of 64 bytes.
TINY = Spec(subtree_nodes=6)
