"""Rows of bit fields: how tables of integers become bytes, and bytes tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Field:
    """`width` bits, two's complement if `signed`."""

    name: str
    width: int
    signed: bool = False


def width_of_row(fields: Sequence[Field]) -> int:
    """Bits of a row."""
    return sum(field.width for field in fields)


def to_bytes(fields: Sequence[Field], table: Mapping[str, npt.ArrayLike], rows: int) -> Bytes:
    """[rows, bytes]: every field's code at its place from bit 0 upwards, little endian; a field not named is 0.

    Raises:
        KeyError: a column is not a field. ValueError: a code does not fit its field, or the
            fields are not a whole number of bytes.
    """
    unknown = set(table) - {field.name for field in fields}
    if unknown:
        raise KeyError(f"no field {sorted(unknown)[0]!r}")
    total = width_of_row(fields)
    if total % 8:
        raise ValueError(f"a row must be a whole number of bytes, it has {total} bits")
    columns: list[npt.NDArray[np.uint8]] = []
    for field in fields:
        code = np.broadcast_to(np.asarray(table.get(field.name, 0), np.int64), (rows,))
        low, high = (
            (-(1 << field.width >> 1), (1 << field.width >> 1) - 1) if field.signed else (0, (1 << field.width) - 1)
        )
        if rows and not (low <= code.min() and code.max() <= high):
            raise ValueError(f"{field.name} must lie in {low}..{high}, it reaches {code.min()}..{code.max()}")
        places = np.minimum(np.arange(field.width), 63)  # beyond 64 bits only the sign is left
        columns.append((code[:, None] >> places & 1).astype(np.uint8))
    return np.packbits(np.concatenate(columns, axis=1), axis=1, bitorder="little")


def pack(fields: Sequence[Field], table: Mapping[str, npt.ArrayLike], row_bytes: int) -> Bytes:
    """`to_bytes` with zeros up to `row_bytes`, and as many rows as the longest column (one if there is none).

    Raises:
        KeyError, ValueError: as `to_bytes`, or the fields do not fit the row.
    """
    spare = 8 * row_bytes - width_of_row(fields)
    if spare < 0:
        raise ValueError(f"fields of {width_of_row(fields)} bits do not fit a row of {row_bytes} bytes")
    rows = max((np.size(column) for column in table.values()), default=1)
    return to_bytes([*fields, Field("", spare)] if spare else fields, table, rows)


def from_bytes(fields: Sequence[Field], raw: Bytes) -> dict[str, Ints]:
    """The columns of [rows, bytes]; the inverse of `to_bytes` for fields of at most 63 bits."""
    bits = np.unpackbits(raw, axis=1, bitorder="little").astype(np.int64)
    result: dict[str, Ints] = {}
    place = 0
    for field in fields:
        weight = 1 << np.arange(min(field.width, 63), dtype=np.int64)
        code = bits[:, place : place + len(weight)] @ weight
        result[field.name] = code - ((code >> (field.width - 1) & 1) << field.width) if field.signed else code
        place += field.width
    return result
