"""The header of a PLY file, looked at before anything else of the file is read."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Collection
from pathlib import Path

from golden.errors import InputError

MAX_HEADER = 1 << 16  # bytes; a Gaussian PLY of SH degree 3 has 1.5 KB


def readable(path: Path, wanted: Collection[str]) -> Path | io.BytesIO:
    """The file as `plyfile` reads it: itself, or a copy in memory with a header in ASCII that ends at what is wanted.

    Comments may be in any encoding; what is not ASCII becomes a question mark. Elements behind the
    last of `wanted` (faces, cameras) are left out, whatever they hold.

    Raises:
        InputError: no header, or one that would cost memory or time out of proportion to the file:
            a header without end, elements of more numbers than the file has bytes, and lists in an
            element that is wanted, which are read one number at a time.
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        head = stream.read(MAX_HEADER)
    if not head.startswith(b"ply"):
        raise InputError(f"{path.name}: a PLY file starts with 'ply', this one with {head[:3]!r}")
    header = re.match(rb"(.*?[\r\n])end_header", head, re.DOTALL)
    if header is None:
        raise InputError(f"{path.name}: 'end_header' must stand in the first {MAX_HEADER} bytes, it is not there")
    lines = [_ascii(line) for line in header[1].splitlines(keepends=True)]
    names = [_element(line) for line in lines]
    last = max((place for place, name in enumerate(names) if name in wanted), default=len(lines))
    behind = next((place for place in range(last + 1, len(lines)) if names[place]), len(lines))
    _check(path.name, lines[:behind], wanted, size)
    cleaned = b"".join(lines[:behind])
    if cleaned == header[1] and not any(_is_list(line) for line in lines):
        return path
    # A list in front is read from memory too: a length of billions then ends at the end of the bytes.
    return io.BytesIO(cleaned + path.read_bytes()[len(header[1]) :])


def _ascii(line: bytes) -> bytes:
    if line.split()[:1] in ([b"comment"], [b"obj_info"]):
        return line.decode("ascii", "replace").encode("ascii", "replace")
    return line


def _element(line: bytes) -> str:
    """The name of the element that begins here; empty on any other line."""
    match line.split():
        case [b"element", name, _]:
            return name.decode("ascii", "replace")
    return ""


def _is_list(line: bytes) -> bool:
    return line.split()[:2] == [b"property", b"list"]


def _check(file: str, lines: list[bytes], wanted: Collection[str], size: int) -> None:
    name, rows, columns = "", dict[str, int](), Counter[str]()
    for line in lines:
        match line.decode("ascii").split():
            case ["property", "list", *_, prop] if name in wanted:
                raise InputError(f"{file}: property {prop!r} must be a number, it is a list")
            case ["property", *_]:
                columns[name] += 1
            case ["element", name, count]:
                rows[name] = int(count)
    for name, count in rows.items():
        if not 0 <= count * max(1, columns[name]) <= size:
            raise InputError(
                f"{file}: element {name!r} must fit in the file's {size} bytes, "
                f"its header says {count} rows of {columns[name]} numbers"
            )
