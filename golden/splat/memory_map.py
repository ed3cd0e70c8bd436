"""Where everything lies in the engine's memory image, bit by bit.

The contract between host and RTL: `memory_image.py` writes by these tables, `hw/splat/row_layouts.py`
reads by them. A table is a list of fields from bit 0 upwards, little endian.
"""

from __future__ import annotations

from golden.rows import Field, width_of_row
from golden.splat.spec import (
    CAMERA_FRACTION,
    HALF_BITS,
    INDEX_RECORD_BITS,
    RADIUS_MANTISSA,
    RANK_LOW_BITS,
    Spec,
)

LINE_BYTES = 64  # voxels, lists and group entries start on a line
HEADER_BYTES = 128
VIEW_BYTES = 64
BOOKS_BYTES = 64
GROUP_BYTES = 64
VOXEL_BYTES = 16
PLACE_BYTES = 64
COARSE_BYTES = 8
INDEX_RECORD_BYTES = INDEX_RECORD_BITS // 8
LOOK_BYTES = 16  # an entry of the books of scales, quaternions and base colours, which lie side by side
LEAST_SH_BYTES = 16  # an entry of the book of higher coefficients takes so many, or twice or four times as many
VOXEL_ALIGN = LINE_BYTES // COARSE_BYTES  # Gaussians; a voxel's first has a multiple of this as its number
PIXEL_BYTES = 4
ORDERED_NUMBER = 25  # bits of a Gaussian's number in a list in drawing order
ORDERED_DROP = 4  # lowest bits of a radius' code that such a list leaves out

#: Frame header: 32 words of 32 bits at the address that is given with `start`. `near` and `group_count` are the
#: voxel sorting unit's answers, as the group table and the lists are.
HEADER = [
    *(Field(f"rotation_{row}{column}", 32, True) for row in range(3) for column in range(3)),
    *(Field(f"quaternion_{k}", 32, True) for k in range(4)),
    *(Field(f"position_{axis}", 32, True) for axis in "xyz"),
    Field("focal_x", 32),
    Field("focal_y", 32),
    Field("focal_exponent", 32),
    *(Field(f"limit_{side}", 32, True) for side in ("left", "right", "top", "bottom")),
    Field("near", 32),
    Field("stretch_x", 32),
    Field("stretch_y", 32),
    Field("group_count", 32),
    Field("sh_degree", 16),
    Field("ordered", 8),  # the lists hold Gaussians in drawing order, `ORDERED`, where the engine has `shared_sort`
    Field("sorts", 8),  # such lists are written at `frame_address`, behind their groups' entries, and no pixel
    Field("group_address", 32),
    Field("coarse_address", 32),
    Field("record_address", 32),
    Field("frame_address", 32),
]

#: What the voxel sorting unit reads beside the header, which lies before it: the rest of the camera, and where the
#: scene's voxel table and the room for the visiting lists lie.
VIEW = [
    Field("reciprocal_x", 32),
    Field("reciprocal_y", 32),
    Field("exponent_x", 8),
    Field("exponent_y", 8),
    Field("listed", 16),  # group table, lists, `near` and `group_count` are the host's: nothing is left to do
    Field("principal_x", 32, True),
    Field("principal_y", 32, True),
    Field("width", 16),
    Field("height", 16),
    Field("near_plane", 32),
    Field("voxel_count", 32),
    Field("voxel_address", 32),
    Field("list_address", 32),
    Field("list_end", 32),
    Field("next_address", 32),  # of the header of the frame to draw behind this one, 0 if this is the last
]

#: With `codebooks`, behind the view: where the books lie. A `version` names their contents: an engine that holds the
#: books of a version does not load them again. 0 is no version: they are loaded.
BOOKS = [
    Field("version", 32),
    Field("look_address", 32),
    Field("look_lines", 32),
    Field("sh_address", 32),
    Field("sh_lines", 32),
    Field("sh_line_entries", 32),  # in a line of the book of higher coefficients, by the scene's degree: 1, 2 or 4
]

#: One entry of the group table: a square of pixels, or a depth slab [low, high) of one. After a `continued`
#: entry comes the next slab of the same pixels.
GROUP = [
    Field("list_address", 32),
    Field("list_count", 32),
    Field("left", 16, True),
    Field("right", 16, True),
    Field("top", 16, True),
    Field("bottom", 16, True),
    Field("centre_x", 32, True),
    Field("centre_y", 32, True),
    Field("valid_columns", 8),
    Field("valid_rows", 8),
    Field("continued", 16),
    Field("low", 32, True),
    Field("high", 32, True),
]

#: One entry of a group's visiting list; no Gaussian of the voxel is nearer than `depth` behind `near`.
VOXEL = [
    Field("index_x", 16, True),
    Field("index_y", 16, True),
    Field("index_z", 16, True),
    Field("count", 16),
    Field("first", 32),
    Field("depth", 32, True),
]

#: One entry of a group's list in an `ordered` frame, as long as a visiting list's: a Gaussian in drawing order, with
#: what its coarse half and its voxel say of its place. Offsets have `position_bits`, from bit 0; of the radius' code
#: the highest bits are here, and the others count as ones: what is tested by it is never too small.
ORDERED = [
    Field("index_x", 16, True),
    Field("index_y", 16, True),
    Field("index_z", 16, True),
    Field("offset_x", 16),
    Field("number", ORDERED_NUMBER),
    Field("radius", 5 + RADIUS_MANTISSA - ORDERED_DROP),
    Field("offset_y", 16),
    Field("offset_z", 16),
]

#: One entry of the scene's voxel table: a list entry without its depth, then `VoxelBoxes`. Needs no view.
PLACE = [
    *VOXEL[:-1],
    Field("exponent", 32),
    *(Field(f"low_{axis}", CAMERA_FRACTION) for axis in "xyz"),
    *(Field(f"high_{axis}", CAMERA_FRACTION) for axis in "xyz"),
    *(Field(f"middle_{axis}", CAMERA_FRACTION) for axis in "xyz"),
    *(Field(f"half_{size}_{axis}", HALF_BITS) for size in (1, 2) for axis in "xyz"),
]


def coarse_half(spec: Spec) -> list[Field]:
    """The first half of a Gaussian: 8 bytes. Of its place in the file, the lowest bits, for which there is room."""
    fields = [
        *(Field(f"offset_{axis}", spec.position_bits) for axis in "xyz"),
        Field("radius", 5 + RADIUS_MANTISSA),
        Field("rank_low", RANK_LOW_BITS),
    ]
    return [*fields, Field("spare", 8 * COARSE_BYTES - sum(f.width for f in fields))]


def record(spec: Spec, sh_degree: int) -> list[Field]:
    """The second half of a Gaussian: 16 bytes, its place in the file, the coefficients of bands 1 to `sh_degree`."""
    rest = (sh_degree + 1) ** 2 - 1
    fields = [
        *(Field(f"quaternion_{c}", spec.quaternion_bits, True) for c in "wxyz"),
        *(Field(f"scale_{k}", spec.scale_bits) for k in range(3)),
        Field("opacity", spec.opacity_bits),
        *(Field(f"dc_{c}", spec.dc_bits, True) for c in "rgb"),
    ]
    fields += [Field("spare", 128 - sum(f.width for f in fields)), Field("rank", spec.rank_bits - RANK_LOW_BITS)]
    if rest:
        fields.append(Field("sh_exponent", 4))
        fields += [Field(f"sh_{k}_{c}", spec.sh_bits, True) for k in range(rest) for c in "rgb"]
    return fields


def index_record(spec: Spec) -> list[Field]:
    """The second half of a Gaussian with `codebooks`: 8 bytes. Its rank is its number in memory."""
    names = ("scale_index", "rotation_index", "dc_index", "sh_index")
    return [
        *(Field(name, size.bit_length() - 1) for name, size in zip(names, spec.book_entries, strict=True)),
        Field("opacity", spec.opacity_bits),
        Field("spare", INDEX_RECORD_BITS - spec.index_record_bits),
    ]


def look_entry(spec: Spec) -> list[Field]:
    """An entry of the books of scales, quaternions and base colours, in the record's codes: 16 bytes."""
    fields = [field for field in record(spec, 0) if field.name.startswith(("scale_", "quaternion_", "dc_"))]
    return [*fields, Field("spare", 8 * LOOK_BYTES - sum(f.width for f in fields))]


def sh_entry(spec: Spec, sh_degree: int) -> list[Field]:
    """An entry of the book of higher coefficients, bands 1 to `sh_degree`, in the record's codes.

    It is padded to a power of two of bytes, `LEAST_SH_BYTES` or more. A lower degree's fields come first in a higher's.
    """
    fields = [field for field in record(spec, sh_degree) if field.name.startswith("sh_")]
    bits = width_of_row(fields)
    return [*fields, Field("spare", max(8 * LEAST_SH_BYTES, 1 << (bits - 1).bit_length()) - bits)]


def record_bytes(sh_degree: int) -> int:
    """Bytes from one record to the next: a power of two, so that none crosses a line."""
    return (32, 32, 64, 64)[sh_degree]
