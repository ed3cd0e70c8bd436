"""Output files appear whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from golden.errors import InputError


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary name beside `path`, renamed to it when the block ends well, removed when not.

    Raises:
        InputError: the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def require_writable(path: Path) -> None:
    """Says before long work what `whole_file` would say after it.

    Raises:
        InputError: the folder cannot be made or written, or `path` is one.
    """
    if path.is_dir():
        raise InputError(f"{path}: cannot be written: it is a folder")
    with suppress(FileNotFoundError), whole_file(path) as temporary:
        temporary.unlink()


def write_text(path: Path, text: str) -> None:
    """`text` as it is."""
    with whole_file(path) as temporary:
        temporary.write_text(text)


def write_bytes(path: Path, raw: bytes) -> None:
    """`raw` as it is."""
    with whole_file(path) as temporary:
        temporary.write_bytes(raw)


def write_json(path: Path, value: Any) -> None:
    """`value` as indented JSON.

    Raises:
        ValueError: it holds NaN or infinity, which JSON has not.
    """
    write_text(path, json.dumps(value, indent=1, allow_nan=False) + "\n")


def to_bytes(values: npt.NDArray[np.floating]) -> npt.NDArray[np.uint8]:
    """[0, 1] as 0 to 255, rounded; values beyond are clamped."""
    return (np.clip(values, 0, 1) * 255 + 0.5).astype(np.uint8)


def write_png(path: Path, pixels: npt.NDArray[np.uint8]) -> None:
    """uint8 [H, W, 3] or [H, W, 4] as PNG."""
    with whole_file(path) as temporary:
        Image.fromarray(np.ascontiguousarray(pixels)).save(temporary, format="PNG")


def write_array(path: Path, array: npt.NDArray, *, dtype: npt.DTypeLike = np.float32) -> None:
    """Numbers in NumPy's own format."""
    with whole_file(path) as temporary, temporary.open("wb") as stream:
        np.save(stream, array.astype(dtype))


def write_arrays(path: Path, arrays: Mapping[str, npt.NDArray]) -> None:
    """Arrays by name as NumPy's compressed .npz."""
    named: dict[str, Any] = dict(arrays)  # savez_compressed has keywords of its own
    with whole_file(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, **named)
