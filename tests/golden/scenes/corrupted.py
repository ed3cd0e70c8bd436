"""One good file of every container, and the only two outcomes of loading a damaged one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from golden.errors import InputError
from golden.scenes import Scene
from tests.golden.scenes.checks import assert_sound, load_bytes
from tests.golden.scenes.ksplat_writer import ksplat_bytes
from tests.golden.scenes.sog_writer import sog_bytes
from tests.golden.scenes.spz4_writer import spz4_bytes
from tests.golden.scenes.writers import (
    compressed_elements,
    plain_columns,
    ply_bytes,
    random_cloud,
    splat_bytes,
    spz_bytes,
)

COUNT = 6
CLOUD = random_cloud(1, COUNT, 1)
CLOUD_0 = random_cloud(1, COUNT, 0)
PLAIN = plain_columns(CLOUD)
COMPRESSED = compressed_elements(CLOUD, color_box=True)
GOOD = {
    "plain.ply": ply_bytes({"vertex": PLAIN}),
    "big.ply": ply_bytes({"vertex": PLAIN}, "binary_big_endian"),
    "ascii.ply": ply_bytes({"vertex": PLAIN}, "ascii"),
    "a.compressed.ply": ply_bytes(COMPRESSED),
    "a.splat": splat_bytes(CLOUD_0),
    "l0.ksplat": ksplat_bytes([CLOUD], 0),
    "l1.ksplat": ksplat_bytes([CLOUD], 1),
    "l2.ksplat": ksplat_bytes([CLOUD_0, CLOUD], 2),
    "v1.sog": sog_bytes(CLOUD, 1),
    "v2.sog": sog_bytes(CLOUD, 2),
    "v1.spz": spz_bytes(CLOUD, 1),
    "v4.spz": spz4_bytes(CLOUD),
    "v2.spz": spz_bytes(CLOUD, 2),
    "v3.spz": spz_bytes(CLOUD, 3),
}


def replaced(name: str, old: bytes, new: bytes) -> bytes:
    """The good file with one string in place of another."""
    assert GOOD[name].count(old) == 1
    return GOOD[name].replace(old, new)


def with_value(columns: dict[str, npt.NDArray[np.generic]], name: str, value: float, row: int = 2) -> bytes:
    """A PLY file of `columns` as its vertices, one value changed."""
    column = columns[name].copy()
    column[row] = value
    return ply_bytes({"vertex": columns | {name: column}})


def load_or_refuse(folder: Path, name: str, data: bytes) -> Scene | str:
    """The scene, sound in every respect, or the refusal: one line that names the file."""
    message = ""
    try:
        scene = load_bytes(folder, name, data)
    except InputError as error:
        message = str(error)
    if message:
        assert name in message
        assert len(message.splitlines()) == 1
        return message
    assert_sound(scene)
    return scene
