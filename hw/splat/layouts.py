"""Payloads of the splatting engine's streams; splats themselves are in `hw.lib.payloads`."""

from __future__ import annotations

from amaranth.hdl import ShapeLike
from amaranth.lib import data

from golden.splat.memory_map import GROUP, HEADER, VOXEL, coarse_half, record
from golden.splat.spec import RANK_BITS, RANK_LOW_BITS, Spec
from hw.lib.fixed import shape_of
from hw.lib.payloads import SplatLayout, TouchLayout
from hw.lib.row_layout import layout_of

INDEX_WIDTH = 28  # Gaussians of a scene image, padding included


def header_layout() -> data.StructLayout:
    """The frame's header, which every stage sees."""
    return layout_of(HEADER)


def group_layout() -> data.StructLayout:
    """An entry of the group table."""
    return layout_of(GROUP)


def voxel_layout() -> data.StructLayout:
    """An entry of a group's visiting list."""
    return layout_of(VOXEL)


def coarse_half_layout(spec: Spec) -> data.StructLayout:
    """What the coarse filter reads of a Gaussian."""
    return layout_of(coarse_half(spec))


def record_layout(spec: Spec) -> data.StructLayout:
    """A record of the highest degree that is evaluated; lower degrees leave the tail undefined."""
    return layout_of(record(spec, spec.sh_degree))


def vector(spec: Spec) -> data.ArrayLayout:
    """x, y, z in camera_format."""
    return data.ArrayLayout(shape_of(spec.camera_format), 3)


class VisitLayout(data.StructLayout):
    """A voxel in its group's order, or the end of the group (`end`, no Gaussians)."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(
            {
                "relative": vector(spec),  #: the voxel's corner from the camera, world axes
                "origin": vector(spec),  #: the same in camera space
                "bound": spec.depth_bits,  #: no Gaussian of this and later voxels is nearer
                "first": INDEX_WIDTH,  #: number of its first Gaussian
                "count": 16,  #: Gaussians
                "end": 1,  #: the group is complete, and this no voxel
            }
        )


class RowLayout(data.StructLayout):
    """Neighbouring Gaussians of one voxel, as many as the coarse filter has lanes."""

    def __init__(self, spec: Spec, lanes: int) -> None:
        super().__init__(
            {
                "visit": VisitLayout(spec),  #: their voxel, or the group's end
                "begin": 1,  #: first row of its voxel
                "index": INDEX_WIDTH,  #: of lane 0
                "mask": lanes,  #: lanes that hold a Gaussian
                "halves": data.ArrayLayout(coarse_half_layout(spec), lanes),  #: as they lie in memory
            }
        )


class MarkLayout(data.StructLayout):
    """What travels in order with the Gaussians of a group."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(
            {
                "some": 1,  #: the payload holds a Gaussian
                "begin": 1,  #: from here on nothing is nearer than `bound`
                "end": 1,  #: the group is complete; such a payload holds no Gaussian
                "bound": spec.depth_bits,  #: sort key, with `begin`
            }
        )


def _centre(spec: Spec) -> dict[str, ShapeLike]:
    return {
        "rank_low": RANK_LOW_BITS,  #: of its place in the file, the lowest bits
        "point": vector(spec),  #: centre in camera space
        "relative": vector(spec),  #: centre from the camera along world axes
    }


class CandidateLayout(data.StructLayout):
    """A Gaussian that passed the coarse filter; of two fine units, with the next if that passed and shares its word."""

    def __init__(self, spec: Spec, units: int = 1) -> None:
        partner = {"partner": data.StructLayout({"there": 1, **_centre(spec)})}  #: the Gaussian with the next number
        super().__init__(
            {
                "mark": MarkLayout(spec),  #: what comes with it
                "index": INDEX_WIDTH,  #: its number in the scene image
                **_centre(spec),
                **(partner if units > 1 else {}),
            }
        )


class DetailLayout(data.StructLayout):
    """A candidate with its record; of two fine units, with the one behind it."""

    def __init__(self, spec: Spec, units: int = 1) -> None:
        detail = {**_centre(spec), "record": record_layout(spec)}  #: the record as it lies in memory
        partner = {"partner": data.StructLayout({"there": 1, **detail})}  #: with the record behind it
        super().__init__(
            {
                "mark": MarkLayout(spec),  #: what comes with it
                **detail,
                **(partner if units > 1 else {}),
            }
        )


class TileSplatLayout(data.StructLayout):
    """A sorted splat for a lane group with its sub-tiles, or the end of a group of pixels."""

    def __init__(self, spec: Spec, places: int) -> None:
        super().__init__(
            {
                "end": 1,  #: the group is complete; the payload holds no splat
                "continued": 1,  #: with `end`: the next group draws on the same pixels
                "mask": places,  #: of the lane group's sub-tiles, those that the splat may touch
                "splat": SplatLayout(spec),  #: the next one, near to far
            }
        )


class SurvivorLayout(data.StructLayout):
    """A splat on its way to the depth sort."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(
            {
                "mark": MarkLayout(spec),  #: what comes with it
                "depth": spec.depth_bits,  #: sort key
                "rank": RANK_BITS,  #: place in the file, by which equal keys are ordered
                "touch": TouchLayout(spec),  #: if `mark.some`: where it may be seen
                "splat": SplatLayout(spec),  #: if `mark.some`
            }
        )
