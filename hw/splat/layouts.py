"""Payloads of the splatting engine's streams; splats themselves are in `hw.lib.payloads`."""

from __future__ import annotations

from dataclasses import replace

from amaranth.hdl import ShapeLike, signed
from amaranth.lib import data

from golden.splat.memory_map import (
    BOOKS,
    GROUP,
    HEADER,
    LINE_BYTES,
    ORDERED,
    ORDERED_NUMBER,
    PLACE,
    VIEW,
    VOXEL,
    coarse_half,
    index_record,
    look_entry,
    record,
    sh_entry,
)
from golden.splat.spec import HALF_BITS, NORMAL_FRACTION, RANK_BITS, RANK_LOW_BITS, Spec
from hw.lib.fixed import shape_of
from hw.lib.payloads import SplatLayout, TouchLayout
from hw.lib.row_layout import layout_of
from hw.lib.stream import width_of

INDEX_WIDTH = 28  # Gaussians of a scene image, padding included
NUMBER_WIDTH = 24  # voxels of a scene image
EXPONENT_WIDTH = 4  # of the half extents of a voxel's box, the widest of which has 30 bits
NORMAL_WIDTH = NORMAL_FRACTION + 3
BOOK_LINE_WIDTH = 16  # lines of a codebook, or entries of that of higher coefficients
BEHIND_WIDTH = 3  # records between two Gaussians of a row of the coarse filter


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


def vector(spec: Spec) -> data.ArrayLayout:
    """x, y, z in camera_format."""
    return data.ArrayLayout(shape_of(spec.camera_format), 3)


class OwnLayout(data.StructLayout):
    """What an entry of a list in drawing order says of its Gaussian beside its voxel's corner and its number."""

    def __init__(self, spec: Spec) -> None:
        codes = {field.name: field.width for field in ORDERED}
        offsets = {f"offset_{axis}": spec.position_bits for axis in "xyz"}
        super().__init__({**offsets, "radius": codes["radius"]})


class VisitLayout(data.StructLayout):
    """A voxel in its group's order, or the end of the group (`end`, no Gaussians).

    `shared`: with what a list in drawing order says of the voxel's one Gaussian.
    """

    def __init__(self, spec: Spec, *, shared: bool = False) -> None:
        super().__init__(
            {
                "relative": vector(spec),  #: the voxel's corner from the camera, world axes
                "origin": vector(spec),  #: the same in camera space
                "bound": spec.depth_bits,  #: no Gaussian of this and later voxels is nearer
                "first": INDEX_WIDTH,  #: number of its first Gaussian
                "count": 16,  #: Gaussians
                "end": 1,  #: the group is complete, and this no voxel
                **({"own": OwnLayout(spec)} if shared else {}),  #: if the frame is `ordered`
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


def partner_spec(spec: Spec) -> Spec:
    """What the second of two fine units evaluates: harmonics of the degrees at which candidates come in pairs.

    Records of degree 0 and 1 are two in a memory word. With codebooks records of every degree are; but harmonics
    would need a second port of their book, the largest.
    """
    return replace(spec, sh_degree=min(spec.sh_degree, 0 if spec.codebooks else 1))


def _centre(spec: Spec) -> dict[str, ShapeLike]:
    return {
        "rank_low": RANK_LOW_BITS,  #: of its place in the file, the lowest bits
        "point": vector(spec),  #: centre in camera space
        "relative": vector(spec),  #: centre from the camera along world axes
    }


RADIUS_KEPT = ORDERED[[field.name for field in ORDERED].index("radius")].width


class CandidateLayout(data.StructLayout):
    """A Gaussian that passed the coarse filter; of two fine units, with a later one of its row that shares its word.

    `writes`: with what else a list in drawing order holds of it.
    """

    def __init__(self, spec: Spec, units: int = 1, *, writes: bool = False) -> None:
        behind = {"behind": BEHIND_WIDTH} if spec.codebooks else {}  #: its number less the first's; else 1
        partner = {"partner": data.StructLayout({"there": 1, **behind, **_centre(spec)})}  #: another Gaussian
        super().__init__(
            {
                "mark": MarkLayout(spec),  #: what comes with it
                "index": INDEX_WIDTH,  #: its number in the scene image
                **_centre(spec),
                **({"radius": RADIUS_KEPT} if writes else {}),  #: the highest bits of its code
                **(partner if units > 1 else {}),
            }
        )


class DetailLayout(data.StructLayout):
    """A candidate with its record; of two fine units, with its partner and that one's.

    `writes`: with what else a list in drawing order holds of it.
    """

    def __init__(self, spec: Spec, units: int = 1, *, writes: bool = False) -> None:
        detail = {**_centre(spec), "record": record_layout(spec)}  #: the record as it lies in memory
        other = {**_centre(spec), "record": record_layout(partner_spec(spec))}
        listed = {
            "number": ORDERED_NUMBER,
            "radius": RADIUS_KEPT,
        }  #: its number in the scene image; of its radius' code
        partner = {"partner": data.StructLayout({"there": 1, **other})}  #: with as much of its record as it needs
        super().__init__(
            {
                "mark": MarkLayout(spec),  #: what comes with it
                **detail,
                **(listed if writes else {}),
                **(partner if units > 1 else {}),
            }
        )


class IndexedLayout(data.StructLayout):
    """A candidate with its record of indices; of two fine units, with its partner and that one's."""

    def __init__(self, spec: Spec, units: int = 1) -> None:
        indexed = {
            "rank": RANK_BITS,  #: its number in the scene image
            "point": vector(spec),  #: centre in camera space
            "relative": vector(spec),  #: centre from the camera along world axes
            "record": index_record_layout(spec),  #: the record as it lies in memory
        }
        partner = {"partner": data.StructLayout({"there": 1, **indexed})}
        super().__init__(
            {
                "mark": MarkLayout(spec),  #: what comes with it
                **indexed,
                **(partner if units > 1 else {}),
            }
        )


class BookLineLayout(data.StructLayout):
    """A line of a codebook, or an entry of that of higher coefficients, on its way to the chip's memories."""

    def __init__(self) -> None:
        super().__init__(
            {
                "look": 1,  #: it belongs to the books of scales, quaternions and base colours
                "sh": 1,  #: it belongs to the book of higher coefficients
                "line": BOOK_LINE_WIDTH,  #: its number in the book; with `sh` that of the entry
                "data": 8 * LINE_BYTES,  #: its entries; with `sh` one from bit 0 on, and anything above it
            }
        )


class TileSplatLayout(data.StructLayout):
    """A sorted splat for a lane group with its sub-tiles, or the end of a square of pixels."""

    def __init__(self, spec: Spec, places: int, id_bits: int = 0) -> None:
        super().__init__(
            {
                "end": 1,  #: the square is complete; the payload holds no splat
                "mask": places,  #: of the lane group's sub-tiles, those that the splat may touch
                "splat": SplatLayout(spec, id_bits),  #: the next one, near to far
            }
        )


class SurvivorLayout(data.StructLayout):
    """A splat on its way to the depth sort, with two `inputs` of the sort maybe another one of its voxel behind it."""

    def __init__(self, spec: Spec, inputs: int = 1) -> None:
        one: dict[str, ShapeLike] = {
            "depth": spec.depth_bits,  #: sort key
            "rank": spec.rank_bits,  #: place in the file, by which equal keys are ordered
            "touch": TouchLayout(spec),  #: if `mark.some`: where it may be seen
            "splat": SplatLayout(spec),  #: if `mark.some`
        }
        partner = {"partner": data.StructLayout({"there": 1, **one})}
        super().__init__(
            {
                "mark": MarkLayout(spec),  #: what comes with it, or with both
                **one,
                **(partner if inputs > 1 else {}),  #: if `mark.some`: the other one, if `there`
            }
        )


def carried_bits(spec: Spec) -> int:
    """Bits of a survivor or a sorted splat in which an entry of a list in drawing order can travel in its place."""
    return width_of(SplatLayout(spec)) + width_of(TouchLayout(spec))


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
