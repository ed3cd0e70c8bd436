"""antimatter15 `.splat`: 32 bytes a Gaussian, no header."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from golden.errors import InputError
from golden.scenes.scene import SH_C0, Floats, Scene, make_scene

RECORD = np.dtype([("mean", "<f4", 3), ("scale", "<f4", 3), ("rgba", "u1", 4), ("rotation", "u1", 4)])


def load_splat(path: Path) -> Scene:
    """Reads a `.splat` file: position, linear scale, colour and opacity bytes, quaternion bytes.

    Raises:
        InputError: the size is not a multiple of 32 bytes, or a scale is negative.
    """
    raw = path.read_bytes()
    if len(raw) % RECORD.itemsize:
        raise InputError(
            f"{path.name}: a .splat file is a multiple of {RECORD.itemsize} bytes, this one has {len(raw)}"
        )
    record = np.frombuffer(raw, RECORD)
    with np.errstate(invalid="ignore"):  # a signalling NaN
        scale = record["scale"].astype(np.float64)
    rgb = record["rgba"][:, :3] / 255
    return make_scene(
        path.name,
        means=record["mean"].astype(np.float32),
        log_scales=logarithms(path.name, scale),
        quaternions=((record["rotation"].astype(np.float32) - 128) / 128).astype(np.float32),
        opacities=(record["rgba"][:, 3] / 255).astype(np.float32),
        sh=((rgb - 0.5) / SH_C0).astype(np.float32)[:, None],
    )


def logarithms(file: str, scale: npt.NDArray[np.float64]) -> Floats:
    """The logarithms of scales that a file holds as they are, [N, 3].

    Raises:
        InputError: a scale is negative.
    """
    if (scale < 0).any():  # NaN compares false and is dropped later
        index, axis = np.argwhere(scale < 0)[0]
        raise InputError(f"{file}: a scale must not be negative, Gaussian {index} has {scale[index, axis]:g}")
    with np.errstate(divide="ignore"):  # a flat Gaussian has a scale of 0, whose logarithm is -inf
        return np.log(scale).astype(np.float32)
