"""Arrays from files in another number format, and what that format does not hold refused before it is lost."""

from __future__ import annotations

import tokenize
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from golden.errors import InputError

#: What NumPy raises for a file that is damaged, encrypted, larger than memory or something else.
UNREADABLE = (
    OSError, ValueError, KeyError, EOFError, MemoryError, RuntimeError, zipfile.BadZipFile, zlib.error,
    tokenize.TokenError, SyntaxError, OverflowError,
)  # fmt: skip


def npz_arrays(path: Path, names: Sequence[str]) -> dict[str, npt.NDArray]:
    """Those of the named arrays that the .npz holds; no other is read.

    Raises:
        one of UNREADABLE.
    """
    with path.open("rb") as source:
        archive = np.load(source, allow_pickle=False)
        if isinstance(archive, np.ndarray):
            raise ValueError("it holds one array without a name")
        with archive:
            found = {name: archive[name] for name in names if name in archive.files}
    for name, member in found.items():
        if not isinstance(member, np.ndarray):  # NumPy hands on the bytes of what is no .npy
            raise ValueError(f"{name} is no array")
    return found


def reason(error: Exception) -> str:
    """Why a file is not readable, in one line."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def numbers(name: str, array: npt.NDArray) -> npt.NDArray:
    """The array in this machine's byte order; two bytes without a type, as ml_dtypes writes bfloat16, as float32.

    Raises:
        InputError: its type is no float of 16, 32 or 64 bits, no bfloat16 and no integer; `name` says whose it is.
    """
    kind = array.dtype
    if kind.kind == "V" and kind.itemsize == 2 and kind.names is None and kind.subdtype is None:
        # NumPy has no bfloat16 and keeps its bits only; they are the upper half of a float32's.
        return (array.view("<u2").astype(np.uint32) << 16).view(np.float32)
    if kind.kind in "iu" or (kind.kind == "f" and kind.itemsize <= 8):
        return array.astype(kind.newbyteorder("="), copy=False)
    raise InputError(f"{name} must be a float of 16 to 64 bits, a bfloat16 or an integer, it is {kind}")


def convert(name: str, array: npt.NDArray, kind: npt.DTypeLike) -> npt.NDArray:
    """The array as floats or int32 of `kind`; floats are rounded to the nearest, NaN and infinity stay themselves.

    Raises:
        InputError: `numbers` refuses the type, or `kind` does not hold a value: for an integer what is not whole or
            out of range, for a float a finite number that is out of range or an integer that it would round.
    """
    target, values = np.dtype(kind), numbers(name, array)
    with np.errstate(over="ignore", invalid="ignore"):
        narrow = values.astype(target)
    if target.kind == "i":
        limits = np.iinfo(target.name)
        lost, rule = _not_whole(values, limits), f"whole numbers from {limits.min} to {limits.max}"
    else:
        info = np.finfo(target.name)
        lost, rule = np.isfinite(values) & ~np.isfinite(narrow), f"numbers up to {float(info.max):g}"
        if values.dtype.kind in "iu":
            lost |= _bits(values) > info.nmant + 1
            rule += f" and integers of {info.nmant + 1} bits"
    refuse_where(lost, values, f"{name}: {target.name} holds {rule}, not")
    return narrow


def finite_singles(name: str, array: npt.NDArray) -> npt.NDArray[np.float32]:
    """The array as float32.

    Raises:
        InputError: as `convert`, or a value is NaN or infinite.
    """
    values = convert(name, array, np.float32)
    refuse_where(~np.isfinite(values), values, f"{name} must be finite numbers, not")
    return values


def refuse_where(lost: npt.NDArray[np.bool_], values: npt.NDArray, rule: str) -> None:
    """`rule` is followed by the first value that is lost, its place, and how many there are.

    Raises:
        InputError: one is lost.
    """
    count = int(lost.sum())
    if count:
        place = np.unravel_index(int(lost.argmax()), lost.shape)
        more = f", and {count - 1} more" if count > 1 else ""
        raise InputError(f"{rule} {values[place]} at {[int(k) for k in place]}{more}")


def _not_whole(values: npt.NDArray, info: np.iinfo) -> npt.NDArray[np.bool_]:
    if values.dtype.kind == "f":
        values = values.astype(np.float64)  # a half would take the limits for infinite
        values = np.where(np.isfinite(values), values, np.inf)  # a signalling NaN would raise a warning here
        return ~((values >= info.min) & (values <= info.max) & (values == np.trunc(values)))
    return (values < info.min) | (values > info.max)


def _bits(values: npt.NDArray) -> npt.NDArray[np.int64]:
    """Bits from the highest to the lowest that is set, of the magnitude."""
    wide = values.astype(np.uint64)
    wide = np.where(values < 0, ~wide + np.uint64(1), wide)
    odd = wide // np.maximum(wide & (~wide + np.uint64(1)), np.uint64(1))
    result = np.zeros(values.shape, np.int64)
    for shift in (32, 16, 8, 4, 2, 1):
        high = (odd >> np.uint64(shift)) > 0
        result += shift * high
        odd = np.where(high, odd >> np.uint64(shift), odd)
    return result + (odd > 0)
