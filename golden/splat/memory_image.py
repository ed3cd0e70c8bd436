"""The bytes of a frame: header, view, group table, visiting lists, voxel table, coarse halves, records, framebuffer.

With codebooks also where they lie, behind the view, and they themselves, before the framebuffer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from golden.errors import check_base
from golden.rows import Bytes, Ints, pack
from golden.splat.book_image import pack_blocks, pack_books, pack_index_records, to_lines
from golden.splat.frame import Frame
from golden.splat.memory_map import (
    BOOKS_BYTES,
    COARSE_BYTES,
    GROUP,
    GROUP_BYTES,
    HEADER,
    HEADER_BYTES,
    LINE_BYTES,
    PIXEL_BYTES,
    VIEW_BYTES,
    VOXEL,
    VOXEL_ALIGN,
    VOXEL_BYTES,
    coarse_half,
    record,
    record_bytes,
)
from golden.splat.order_image import order_room, pack_order, whole_squares
from golden.splat.scene_image import SceneImage
from golden.splat.spec import RANK_LOW_BITS, Spec
from golden.splat.view_image import pack_places, pack_view

if TYPE_CHECKING:  # torch is not needed to lay out memory
    from golden.splat.model import ModelResult
    from golden.splat.shared_order import SharedOrder


@dataclass(frozen=True, kw_only=True)
class MemoryImage:
    """All that the engine reads, and where it writes."""

    data: Bytes  # from address 0 to the end of the image, a whole number of lines
    header_address: int
    result_address: int  #: the framebuffer, after `data`
    result_bytes: int
    parts: dict[str, int] = field(default_factory=dict)  #: of each table the first byte address, for a DRAM's counts


def aligned_first(image: SceneImage) -> Ints:
    """The number of each voxel's first Gaussian, [V]. Voxels start on a line, with codebooks where the last ends."""
    if image.books:
        return image.grid.first
    padded = -(-image.grid.count // VOXEL_ALIGN) * VOXEL_ALIGN
    return np.cumsum(padded) - padded


def pack_scene(image: SceneImage, spec: Spec) -> tuple[Bytes, Bytes]:
    """The two arrays of a scene: coarse halves [n, 8] and records [n, 32 or 64, with codebooks 8]."""
    grid = image.grid
    count = grid.count
    first = aligned_first(image)
    align = 1 if image.books else VOXEL_ALIGN
    total = int(first[-1] + -(-count[-1] // align) * align)
    place = np.repeat(first - grid.first, count) + np.arange(len(image))

    rank, rank_low = np.divmod(image.rank, 1 << RANK_LOW_BITS)
    coarse = np.zeros((total, COARSE_BYTES), np.uint8)
    axes = {f"offset_{axis}": image.offset[:, k] for k, axis in enumerate("xyz")}
    coarse[place] = pack_blocks(coarse_half(spec), {**axes, "radius": image.radius, "rank_low": rank_low}, COARSE_BYTES)

    if image.books:
        return coarse, pack_index_records(image.books, image.opacity, spec)
    size = record_bytes(image.sh_degree)
    values = {
        **{f"quaternion_{c}": image.quaternion[:, k] for k, c in enumerate("wxyz")},
        **{f"scale_{k}": image.scale[:, k] for k in range(3)},
        "opacity": image.opacity,
        "rank": rank,
        **{f"dc_{c}": image.dc[:, k] for k, c in enumerate("rgb")},
        **{f"sh_{k}_{c}": image.sh[:, k, j] for k in range(image.sh.shape[1]) for j, c in enumerate("rgb")},
    }
    if image.sh_degree:
        values["sh_exponent"] = image.sh_exponent
    records = np.zeros((total, size), np.uint8)
    records[place] = pack_blocks(record(spec, image.sh_degree), values, size)
    return coarse, records


def build_memory_image(
    image: SceneImage, frame: Frame, spec: Spec, *, base: int = 0, list_room: int = 0, listed: bool = True,
    packed: tuple[Bytes, Bytes] | None = None, order: SharedOrder | None = None, sorts: bool = False,
) -> MemoryImage:  # fmt: skip
    """Lays out one frame from `base`: header, view, groups, lists, voxel table, coarse halves, records, framebuffer.

    The lists have at least `list_room` bytes, a whole number of lines, for those of other views. Without
    `listed`, only room is left for them and for the group table: the engine's voxel sorting unit makes them.
    `packed` is `pack_scene`'s answer, where another view of the scene has it already. With an `order`, the lists hold
    what it says in place of voxels, and every square is one group; they are the host's. A frame that `sorts`
    has room for lists in drawing order in place of a framebuffer.

    Raises:
        InputError: `base` is not the start of a line, or what `pack_order` refuses.
    """
    check_base("splat", base, LINE_BYTES)
    if order is not None:
        frame = whole_squares(frame, spec)
    groups = len(frame.groups)
    first = aligned_first(image)
    coarse, records = packed or pack_scene(image, spec)
    books = pack_books(image.books, spec) if image.books else None

    lists: list[Bytes] = []
    addresses: list[int] = []
    group_address = base + HEADER_BYTES + VIEW_BYTES + BOOKS_BYTES * bool(books)
    address = list_address = group_address + groups * GROUP_BYTES
    entries = _visits(image, frame, first) if order is None else pack_order(image, order, groups, first)
    for rows in entries:
        padded = to_lines(rows.reshape(-1))
        lists.append(padded)
        addresses.append(address)
        address += len(padded)

    lists.append(np.zeros(max(list_address + list_room - address, 0), np.uint8))
    voxel_address = address + len(lists[-1])
    places = pack_places(image, first).reshape(-1)
    coarse_bytes, record_bytes_ = to_lines(coarse.reshape(-1)), to_lines(records.reshape(-1))
    coarse_address = voxel_address + len(places)
    record_address = coarse_address + len(coarse_bytes)
    book_address = record_address + len(record_bytes_)
    frame_address = book_address + (books.size if books else 0)
    tables = {
        "list_address": np.array(addresses),
        "list_count": np.array([len(rows) for rows in entries]),
        **{
            name: np.array([g.slopes[k] for g in frame.groups])
            for k, name in enumerate(("left", "right", "top", "bottom"))
        },
        **{
            name: np.array([getattr(g, name) for g in frame.groups])
            for name in ("centre_x", "centre_y", "valid_columns", "valid_rows", "continued", "low", "high")
        },
    }
    header = {
        **{f"rotation_{r}{c}": int(frame.rotation[r, c]) for r in range(3) for c in range(3)},
        **{f"quaternion_{k}": frame.quaternion[k] for k in range(4)},
        **{f"position_{axis}": int(frame.position[k]) for k, axis in enumerate("xyz")},
        **{
            name: getattr(frame, name)
            for name in (
                "focal_x", "focal_y", "focal_exponent", "stretch_x", "stretch_y",
            )
        },
        **dict(zip(("limit_left", "limit_right", "limit_top", "limit_bottom"), frame.limits, strict=True)),
        "near": frame.near * listed,
        "group_count": groups * listed,
        "sh_degree": image.sh_degree,
        "ordered": int(order is not None),
        "sorts": int(sorts),
        "group_address": group_address,
        "coarse_address": coarse_address,
        "record_address": record_address,
        "frame_address": frame_address,
    }  # fmt: skip
    view = pack_view(
        frame,
        voxel_count=len(image.grid),
        voxel_address=voxel_address,
        list_address=list_address,
        list_end=voxel_address,
        listed=int(listed),
        next_address=0,
    )
    head = [
        part.reshape(-1)
        for part in (
            pack(HEADER, header, HEADER_BYTES),
            view,
            pack(GROUP, tables, GROUP_BYTES),
        )
    ]
    body = np.concatenate([*head[2:], *lists])
    return MemoryImage(
        data=np.concatenate(
            [
                np.zeros(base, np.uint8),
                *head[:2],
                *([books.header(book_address)] if books else []),
                body * listed,
                places,
                coarse_bytes,
                record_bytes_,
                *([books.look, books.sh] if books else []),
            ]
        ),
        header_address=base,
        result_address=frame_address,
        result_bytes=order_room(image, frame)
        if sorts
        else sum(not group.continued for group in frame.groups) * spec.group_size**2 * PIXEL_BYTES,
        parts={
            "header": base,
            "groups": group_address,
            "lists": list_address,
            "voxels": voxel_address,
            "coarse": coarse_address,
            "records": record_address,
            **({"books": book_address} if books else {}),
            "framebuffer": frame_address,
        },
    )


def _visits(image: SceneImage, frame: Frame, first: Ints) -> list[Bytes]:
    """Of every group its visiting list, [n, 16]."""
    lists: list[Bytes] = []
    for group in frame.groups:
        v = group.voxels
        index = {f"index_{axis}": image.grid.index[v, k] for k, axis in enumerate("xyz")}
        depth = np.maximum(group.depths - frame.near, 0)
        codes = {**index, "count": image.grid.count[v], "first": first[v], "depth": depth}
        lists.append(pack(VOXEL, codes, VOXEL_BYTES))
    return lists


def read_results(raw: Bytes, frame: Frame, spec: Spec) -> dict[str, Bytes]:
    """What the engine wrote, by name: `framebuffer`, [H, W, 4] red, green, blue, coverage."""
    return {"framebuffer": read_frame(raw, frame, spec)}


def expected_results(model: ModelResult) -> dict[str, Bytes]:
    """The same of the model."""
    return {"framebuffer": model.image.numpy()}


def read_frame(raw: Bytes, frame: Frame, spec: Spec) -> Bytes:
    """The framebuffer's bytes as an image, [H, W, 4]: groups row by row, sub-tiles row by row, pixels row by row."""
    size, subtile, n = spec.group_size, spec.subtile, spec.columns
    columns, rows = -(-frame.camera.width // size), -(-frame.camera.height // size)
    tiles = raw.reshape(rows, columns, n, n, subtile, subtile, PIXEL_BYTES)
    image = tiles.transpose(0, 2, 4, 1, 3, 5, 6).reshape(rows * size, columns * size, PIXEL_BYTES)
    return image[: frame.camera.height, : frame.camera.width]
