"""Widths of the size test that follow from the formats; shared by model and RTL."""

from __future__ import annotations

from golden.lod.spec import CAMERA_BITS, GRID_BITS

DISTANCE_BITS = CAMERA_BITS + 1  #: of the distance to a box along one axis
BOX_BITS = GRID_BITS + 2  #: of a box's coordinates in its subtree's frame, in cells
DOUBLE_BITS = 42  #: of size² · factor and d² when they are compared
EXPONENT_BITS = 10  #: of the view's exponent, two's complement
#: Beyond these differences of exponents size² · factor is the larger, or the smaller, whatever the mantissas.
HIGHEST, LOWEST = 4, -3
