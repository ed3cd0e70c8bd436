"""Payloads of the voxel sorting unit."""

from __future__ import annotations

from amaranth.hdl import ShapeLike, signed
from amaranth.lib import data

from golden.splat.spec import HALF_BITS, NORMAL_FRACTION, Spec
from hw.lib.fixed import shape_of
from hw.splat.layouts import INDEX_WIDTH, vector

EXPONENT_WIDTH = 4  # of the half extents of a voxel's box, the widest of which has 30 bits
NORMAL_WIDTH = NORMAL_FRACTION + 3


class SideLayout(data.StructLayout):
    """A side of a column or row of groups."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(
            {
                "slope": signed(spec.slope_format.width),  #: its tangent
                "normal": data.ArrayLayout(NORMAL_WIDTH, 3),  #: magnitudes of its plane's normal along world axes
            }
        )


class SidesLayout(data.StructLayout):
    """Both sides of a column or row of groups."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(
            {
                "low": SideLayout(spec),  #: left, or top
                "high": SideLayout(spec),  #: right, or bottom
            }
        )


class CrossLayout(data.StructLayout):
    """The same of a column and of a row of groups."""

    def __init__(self, shape: ShapeLike) -> None:
        super().__init__({"column": shape, "row": shape})


class EntryLayout(data.StructLayout):
    """What every visit to a voxel needs to know of it: its list entry without the depth."""

    def __init__(self) -> None:
        super().__init__(
            {
                "index": data.ArrayLayout(signed(16), 3),  #: its place in the grid
                "count": 16,  #: Gaussians
                "first": INDEX_WIDTH,  #: number of its first Gaussian
            }
        )


class PlacedLayout(data.StructLayout):
    """A voxel of the scene in the view."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(
            {
                "entry": EntryLayout(),  #: the voxel
                "bound": shape_of(spec.camera_format),  #: no Gaussian of it is nearer
                "middle": vector(spec),  #: of the box around its supports, in camera space
                "half": data.ArrayLayout(HALF_BITS, 3),  #: that box's half extents along world axes
                "exponent": EXPONENT_WIDTH,  #: the power of two that they stand on
            }
        )


class ReachedLayout(data.StructLayout):
    """A voxel, and the columns and rows of groups that may visit it."""

    def __init__(self, spec: Spec, sides_bits: int) -> None:
        ends = data.ArrayLayout(sides_bits, 2)
        super().__init__(
            {
                "entry": EntryLayout(),  #: the voxel
                "bound": shape_of(spec.camera_format),  #: no Gaussian of it is nearer
                "first": ends,  #: column and row
                "last": ends,  #: column and row
            }
        )


class ListedLayout(data.StructLayout):
    """A visit of a group's list, or the end of the list."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(
            {
                "entry": EntryLayout(),  #: the voxel
                "bound": shape_of(spec.camera_format),  #: no Gaussian of it is nearer
                "end": 1,  #: the list is complete, and this no voxel
            }
        )
