"""The files of a SOG data set, wherever they lie, checked one by one."""

from __future__ import annotations

import io
import json
import lzma
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from golden.errors import InputError

META = "meta.json"
FORMATS = ("WEBP", "PNG")
#: What `zipfile` raises of a damaged archive, or of one that needs a password.
DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, ValueError, struct.error)
BROKEN = (OSError, ValueError, SyntaxError)  # what Pillow raises of a damaged image
MAX_META = 1 << 20  # bytes
MAX_IMAGE = 1 << 27  # bytes of a file; 4 for each pixel of the largest image, and as many again
MAX_PIXELS = 1 << 24

Bytes = npt.NDArray[np.uint8]


class SogFiles:
    """`meta.json`, and the images that it names, of a zip or a folder. To be used in a `with` statement.

    Every method raises InputError where what it is asked for is missing, or not of its kind.
    """

    meta: dict[str, Any]

    def __init__(self, path: Path) -> None:
        folder = path.parent if path.name == META else path
        self.name = path.name if path.name != META else f"{folder.resolve().name}/{META}"
        self._stack = ExitStack()
        self._read: Callable[[str, int], bytes] = _of_folder(folder)
        if not folder.is_dir():
            try:
                archive = self._stack.enter_context(zipfile.ZipFile(path))
            except DAMAGED as error:
                raise self.error(f"a .sog file is a zip archive: {error}") from error
            self._read = _of_zip(archive)

    def __enter__(self) -> Self:
        try:
            self.meta = self._load_meta()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _load_meta(self) -> dict[str, Any]:
        try:
            meta = json.loads(self._bytes(META, MAX_META))
        except (ValueError, RecursionError) as error:
            if isinstance(error, InputError):
                raise
            raise self.error(f"{META} must be JSON: {error}") from error
        if not isinstance(meta, dict):
            raise self.error(f"{META} must be an object, it is a {type(meta).__name__}")
        return meta

    def _bytes(self, file: str, limit: int) -> bytes:
        try:
            data = self._read(file, limit + 1)
        except (KeyError, FileNotFoundError, IsADirectoryError) as error:
            hint = (
                f": an archive is read as a SOG, which holds {META}; unpack other archives first"
                if file == META
                else ""
            )
            raise self.error(f"{file} is missing{hint}") from error
        except DAMAGED as error:
            raise self.error(f"{file} cannot be unpacked: {error}") from error
        if len(data) > limit:
            raise self.error(f"{file} must not have more than {limit} bytes, it has")
        return data

    def error(self, text: str) -> InputError:
        """A refusal that names the data set."""
        return InputError(f"{self.name}: {text}")

    def _field(self, *place: str | int) -> Any:
        value: Any = self.meta
        for key in place:
            try:
                value = value[key]
            except (KeyError, IndexError, TypeError) as error:
                raise self.error(f"{META} lacks {'.'.join(map(str, place))}") from error
        return value

    def whole(self, *place: str | int) -> int:
        """A whole number that is not negative."""
        value = self._field(*place)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise InputError(
                f"{self.name}: {'.'.join(map(str, place))} must be a whole number, it is {str(value)[:40]}"
            )
        return value

    def numbers(self, count: int, *place: str | int) -> npt.NDArray[np.float64]:
        """So many numbers, or a single one where `count` is 1."""
        raw = self._field(*place)
        try:
            value = np.array(raw)
        except ValueError:  # a ragged list
            value = np.array(None)
        if value.dtype.kind not in "iuf" or value.size != count:
            found = f"a list of {len(raw)}" if isinstance(raw, list) else str(raw)[:40]
            raise self.error(f"{'.'.join(map(str, place))} must be {count} numbers, it is {found}")
        return value.astype(np.float64).reshape(count)

    def pixels(self, attribute: str, place: int, count: int) -> Bytes:
        """The first `count` pixels of the attribute's image number `place`, row by row, [count, 4]."""
        image = self.image(attribute, place)
        height, width = image.shape[:2]
        if height * width < count:
            file = self._field(attribute, "files", place)
            raise self.error(f"{file} must have a pixel for each of {count} Gaussians, it has {width}×{height}")
        return image.reshape(-1, 4)[:count]

    def image(self, attribute: str, place: int) -> Bytes:
        """The attribute's image number `place`, [H, W, 4]; opaque where it has no alpha."""
        file = self._field(attribute, "files", place)
        if not isinstance(file, str) or Path(file).name != file:
            raise InputError(
                f"{self.name}: the files of {attribute} must be names without a path, one is {str(file)[:40]}"
            )
        data = self._bytes(file, MAX_IMAGE)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", Image.DecompressionBombWarning)
                with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                    if image.width * image.height > MAX_PIXELS:
                        raise self.error(
                            f"{file} must not have more than {MAX_PIXELS} pixels, it has {image.width}×{image.height}"
                        )
                    return np.asarray(image.convert("RGBA"))
        except InputError:
            raise
        except UnidentifiedImageError as error:
            raise self.error(f"{file} must be a {' or '.join(FORMATS)} image, it is not") from error
        except (
            OSError,
            ValueError,
            SyntaxError,
            Image.DecompressionBombWarning,
            Image.DecompressionBombError,
        ) as error:
            raise self.error(f"{file} is not a readable image: {' '.join(str(error).split())}") from error


def _of_folder(folder: Path) -> Callable[[str, int], bytes]:
    def read(file: str, limit: int) -> bytes:
        with (folder / file).open("rb") as stream:
            return stream.read(limit)

    return read


def _of_zip(archive: zipfile.ZipFile) -> Callable[[str, int], bytes]:
    """Where the archive holds a folder with the files, they are read from it."""
    inner = min((name for name in archive.namelist() if Path(name).name == META), key=len, default=META)

    def read(file: str, limit: int) -> bytes:
        with archive.open(inner.removesuffix(META) + file) as stream:
            return stream.read(limit)

    return read
