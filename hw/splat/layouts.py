"""Payloads of the splatting engine's streams; splats themselves are in `hw.lib.payloads`.

Those of the voxel sorting unit are in `voxel_layouts`, rows of memory in `row_layouts`.
"""

from __future__ import annotations

from dataclasses import replace

from amaranth.hdl import ShapeLike
from amaranth.lib import data

from golden.splat.memory_map import LINE_BYTES, ORDERED, ORDERED_NUMBER
from golden.splat.spec import RANK_BITS, RANK_LOW_BITS, Spec
from hw.lib.fixed import shape_of
from hw.lib.payloads import SplatLayout, TouchLayout
from hw.lib.stream import width_of
from hw.splat.row_layouts import coarse_half_layout, index_record_layout, record_layout

INDEX_WIDTH = 28  # Gaussians of a scene image, padding included
NUMBER_WIDTH = 24  # voxels of a scene image
BOOK_LINE_WIDTH = 16  # lines of a codebook, or entries of that of higher coefficients
BEHIND_WIDTH = 3  # records between two Gaussians of a row of the coarse filter


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
