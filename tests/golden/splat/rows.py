"""The memory image read back, by the memory map alone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from golden.rows import Field
from golden.splat.memory_map import (
    GROUP,
    GROUP_BYTES,
    HEADER,
    HEADER_BYTES,
    PLACE,
    PLACE_BYTES,
    VIEW,
    VIEW_BYTES,
    VOXEL,
    VOXEL_BYTES,
)

Bytes = npt.NDArray[np.uint8]
Row = dict[str, int]


def unpack(fields: list[Field], raw: Bytes) -> Row:
    """The codes of one row, from bit 0 upwards, little endian."""
    bits = int.from_bytes(raw.tobytes(), "little")
    values: Row = {}
    for field in fields:
        code = bits & ((1 << field.width) - 1)
        values[field.name] = code - (1 << field.width) if field.signed and code >> (field.width - 1) else code
        bits >>= field.width
    return values


def row(data: Bytes, fields: list[Field], address: int, size: int) -> Row:
    assert address + size <= len(data), f"a row at {address} ends behind the image's {len(data)} bytes"
    return unpack(fields, data[address : address + size])


def header_of(data: Bytes, address: int = 0) -> Row:
    return row(data, HEADER, address, HEADER_BYTES)


def view_of(data: Bytes, address: int = 0) -> Row:
    """What lies behind the header at `address`."""
    return row(data, VIEW, address + HEADER_BYTES, VIEW_BYTES)


def places_of(data: Bytes, address: int = 0) -> list[Row]:
    """The scene's voxel table."""
    view = view_of(data, address)
    return [row(data, PLACE, view["voxel_address"] + k * PLACE_BYTES, PLACE_BYTES) for k in range(view["voxel_count"])]


def groups_of(data: Bytes, address: int = 0) -> list[Row]:
    header = header_of(data, address)
    return [
        row(data, GROUP, header["group_address"] + k * GROUP_BYTES, GROUP_BYTES) for k in range(header["group_count"])
    ]


def list_of(data: Bytes, group: Row) -> list[Row]:
    return [row(data, VOXEL, group["list_address"] + k * VOXEL_BYTES, VOXEL_BYTES) for k in range(group["list_count"])]
