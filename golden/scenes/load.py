"""Reads a scene from any of the file formats."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from golden.errors import InputError
from golden.scenes.embedded import EMBEDDED_NAME, embedded_scene
from golden.scenes.ply import load_ply
from golden.scenes.scene import Scene
from golden.scenes.splat_file import load_splat
from golden.scenes.spz import load_spz

READERS: dict[str, Callable[[Path], Scene]] = {".ply": load_ply, ".splat": load_splat, ".spz": load_spz}


def load_scene(source: str | Path) -> Scene:
    """Reads a scene by its extension, or makes the default one for the name `embedded`.

    Raises:
        InputError: unknown extension, no such file, or anything its reader refuses.
    """
    if str(source) == EMBEDDED_NAME:
        return embedded_scene()
    path = Path(source)
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise InputError(f"{path.name}: a scene file ends in {', '.join(READERS)}, or is the word '{EMBEDDED_NAME}'")
    try:
        if not path.is_file():
            raise InputError(f"{path}: {'not a file' if path.exists() else 'no such file'}")
        return reader(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
