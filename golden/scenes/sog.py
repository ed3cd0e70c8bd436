"""PlayCanvas' SOG, versions 1 and 2: attributes as pixels of images, beside a `meta.json`, in a folder or a zip."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from golden.scenes.scene import Floats, Scene, make_scene, sigmoid
from golden.scenes.smallest_three import complete
from golden.scenes.sog_files import Bytes, SogFiles

FIRST_TAG = 252  # alpha of a rotation whose largest component is w; x, y, z follow
CENTROIDS_A_ROW = 64
REST = (0, 3, 8, 15)  # coefficients a channel, by SH degree
CODES = 256


def load_sog(path: Path) -> Scene:
    """Reads a `.sog` file, a folder of one, or the `meta.json` in such a folder.

    A rotation without a valid tag is a zero one, which is dropped and counted.

    Raises:
        InputError: `meta.json` or an image is missing, malformed or too small, another version, codes beyond a palette.
    """
    with SogFiles(path) as files:
        version = files.meta.get("version", 1)
        if version not in (1, 2):
            raise files.error(f"SOG versions 1 and 2 are read, this file is version {str(version)[:40]}")
        count = files.whole("count") if version == 2 else files.whole("means", "shape", 0)
        if not count:
            raise files.error("a scene needs at least one Gaussian, the file holds 0")
        log_scales = _values(files, "scales", version, files.pixels("scales", 0, count)[:, :3])
        color = files.pixels("sh0", 0, count)
        if version == 2:
            dc, opacity = _values(files, "sh0", version, color[:, :3]), (color[:, 3] / 255).astype(np.float32)
        else:
            values = _values(files, "sh0", version, color)
            dc, opacity = values[:, :3], sigmoid(values[:, 3])
        return make_scene(
            files.name,
            means=_means(files, count),
            log_scales=log_scales,
            quaternions=_rotations(files.pixels("quats", 0, count)),
            opacities=opacity,
            sh=np.concatenate([dc[:, None], _rest(files, version, count)], axis=1),
            mip=bool(files.meta.get("antialias")),
        )


def _values(files: SogFiles, name: str, version: int, codes: Bytes) -> Floats:
    """Codes of a codebook, or in version 1 of each channel's range."""
    if version == 2:
        return _looked_up(files, name, codes)
    return _between(files, name, codes.shape[1], codes / 255)


@np.errstate(over="ignore")  # what is not finite is dropped later
def _looked_up(files: SogFiles, name: str, codes: Bytes) -> Floats:
    return files.numbers(CODES, name, "codebook").astype(np.float32)[codes]


@np.errstate(over="ignore", invalid="ignore")
def _between(files: SogFiles, name: str, channels: int, share: npt.NDArray[np.float64]) -> Floats:
    low, high = files.numbers(channels, name, "mins"), files.numbers(channels, name, "maxs")
    return (low + share * (high - low)).astype(np.float32)


@np.errstate(over="ignore", invalid="ignore")
def _means(files: SogFiles, count: int) -> Floats:
    """16 bits a coordinate in two images; the range is of sign(x)·log(|x| + 1)."""
    low, high = (files.pixels("means", place, count)[:, :3].astype(np.int64) for place in (0, 1))
    bent = _between(files, "means", 3, (low | high << 8) / 65535).astype(np.float64)
    return (np.sign(bent) * np.expm1(np.abs(bent))).astype(np.float32)


def _rotations(pixels: Bytes) -> Floats:
    """Alpha says which of w, x, y, z is the largest and left out; red, green and blue are the others, in order."""
    valid = pixels[:, 3] >= FIRST_TAG
    largest = np.where(valid, pixels[:, 3].astype(np.int64) - FIRST_TAG, 0)
    others = (pixels[:, :3] / 255 * 2 - 1) / np.sqrt(2)
    return complete(largest, others) * valid[:, None].astype(np.float32)


def _rest(files: SogFiles, version: int, count: int) -> Floats:
    """Each Gaussian's label names a row of coefficients in the palette; 64 rows lie side by side in its image."""
    if "shN" not in files.meta:
        return np.empty((count, 0, 3), np.float32)
    palette = files.image("shN", 0)[..., :3]
    height, width = palette.shape[:2]
    per_channel = width // CENTROIDS_A_ROW
    if width % CENTROIDS_A_ROW or per_channel not in REST[1:]:
        raise files.error(f"the image of SH centroids must be 192, 512 or 960 pixels wide, it is {width}")
    rows = palette.reshape(height * CENTROIDS_A_ROW, per_channel, 3)
    if version == 2:
        bands, entries = files.whole("shN", "bands"), files.whole("shN", "count")
        if bands >= len(REST) or REST[bands] != per_channel or entries > len(rows):
            raise files.error(
                f"the image of SH centroids holds {len(rows)} of {per_channel} coefficients, "
                f"meta.json says {entries} of {bands} bands"
            )
        rows = rows[:entries]
    labels = files.pixels("shN", 1, count).astype(np.int64)
    label = labels[:, 0] | labels[:, 1] << 8
    if label.max() >= len(rows):
        raise files.error(f"a label of SH must be below {len(rows)}, one is {label.max()}")
    if version == 2:
        return _looked_up(files, "shN", rows[label])
    return _between(files, "shN", 1, rows[label] / 255)
