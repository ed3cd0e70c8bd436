"""Reads a scene from any of the file formats."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from golden.errors import InputError
from golden.scenes.embedded import EMBEDDED_NAME, embedded_scene
from golden.scenes.ksplat import load_ksplat
from golden.scenes.ply import load_ply
from golden.scenes.scene import Scene
from golden.scenes.sog import load_sog
from golden.scenes.sog_files import META
from golden.scenes.splat_file import load_splat
from golden.scenes.spz import load_spz
from golden.scenes.tsr import MAGIC as TSR_MAGIC
from golden.scenes.tsr import load_tsr

READERS: dict[str, Callable[[Path], Scene]] = {
    ".ply": load_ply,
    ".splat": load_splat,
    ".ksplat": load_ksplat,
    ".spz": load_spz,
    ".sog": load_sog,
    ".tsr": load_tsr,
}
#: What files of a format begin with; `.splat` and `.ksplat` have no such mark.
MARKS = {
    b"ply\n": ".ply",
    b"ply\r": ".ply",
    b"NGSP": ".spz",
    b"\x1f\x8b": ".spz",
    b"PK\x03\x04": ".sog",
    TSR_MAGIC: ".tsr",
}

POINTER = b"version https://git-lfs"


def load_scene(source: str | Path) -> Scene:
    """Reads a scene, or makes the default one for the name `embedded`.

    The format is the one that the file's first bytes are a mark of, else the extension's. A folder
    with a `meta.json`, or that file, is a SOG.

    Raises:
        InputError: neither mark nor extension is known, no such file, or anything its reader refuses.
    """
    if str(source) == EMBEDDED_NAME:
        return embedded_scene()
    path = Path(source)
    try:
        kind = _kind(path)
        if kind not in READERS:
            raise InputError(
                f"{path.name}: a scene file ends in {', '.join(READERS)}, or is the word '{EMBEDDED_NAME}'"
            )
        if not path.exists():
            raise InputError(f"{path}: no such file")
        return READERS[kind](path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error


def _kind(path: Path) -> str:
    """A key of `READERS`, or an extension that is none."""
    if path.is_dir():
        if not (path / META).is_file():
            raise InputError(f"{path}: not a file, nor a folder of a SOG, which holds {META}")
        return ".sog"
    if path.name == META:
        return ".sog"
    if path.is_file():
        with path.open("rb") as stream:
            head = stream.read(len(POINTER))
        if head == POINTER:
            raise InputError(f"{path.name}: a pointer of Git LFS, not the file itself: fetch it with 'git lfs pull'")
        for mark, kind in MARKS.items():
            if head.startswith(mark):
                return kind
    elif path.exists():
        raise InputError(f"{path}: not a file")
    return path.suffix.lower()
