"""Writes PlayCanvas' SOG, versions 1 and 2, from the definition of the format."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from tests.golden.scenes.writers import Array, Cloud, largest_apart

CENTROIDS_A_ROW = 64
Meta = dict[str, Any]


def sog_files(cloud: Cloud, version: int) -> tuple[Meta, dict[str, bytes]]:
    """meta.json as an object, and the images. Every Gaussian has a row of the SH palette of its own."""
    count, rest = len(cloud), cloud.sh.shape[1] - 1
    meta: Meta = {"version": 2, "count": count} if version == 2 else {}
    images: dict[str, bytes] = {}

    def attribute(name: str, fields: Meta, *pictures: npt.NDArray[np.uint8]) -> None:
        files = [f"{name}_{number}.webp" for number in range(len(pictures))]
        images.update(zip(files, map(webp, pictures), strict=True))
        meta[name] = {**fields, "files": files}

    bent = np.sign(cloud.means) * np.log1p(np.abs(cloud.means))
    share, bounds = _shares(bent)
    code = np.rint(share * 65535).astype(np.int64)
    attribute("means", bounds | {"shape": [count, 3]}, *(_square(part) for part in (code & 255, code >> 8)))
    largest, others = largest_apart(cloud.quaternions)
    rotation = np.rint((others * np.sqrt(2) + 1) / 2 * 255)
    attribute("quats", {}, _square(np.concatenate([rotation, 252 + largest[:, None]], axis=1)))
    if version == 2:
        scale, book = _coded(cloud.log_scales)
        attribute("scales", {"codebook": book}, _square(scale))
        color, book = _coded(cloud.sh[:, 0])
        alpha = np.rint(cloud.opacities * 255)
        attribute("sh0", {"codebook": book}, _square(np.concatenate([color, alpha[:, None]], axis=1)))
    else:
        share, bounds = _shares(cloud.log_scales)
        attribute("scales", bounds, _square(np.rint(share * 255)))
        logit = np.log(cloud.opacities / (1 - cloud.opacities))
        share, bounds = _shares(np.concatenate([cloud.sh[:, 0], logit[:, None]], axis=1))
        attribute("sh0", bounds, _square(np.rint(share * 255)))
    if rest:
        codes, book = _coded(cloud.sh[:, 1:])
        label = np.arange(count)[::-1]
        rows = -(-count // CENTROIDS_A_ROW)
        palette = np.zeros((rows * CENTROIDS_A_ROW, rest, 3), np.uint8)
        palette[label] = codes
        labels = np.stack([label & 255, label >> 8, 0 * label], axis=1)
        fields = {"codebook": book, "bands": round((rest + 1) ** 0.5) - 1, "count": count}
        attribute(
            "shN",
            fields if version == 2 else {"mins": book[0], "maxs": book[-1]},
            palette.reshape(rows, CENTROIDS_A_ROW * rest, 3),
            _square(labels),
        )
    return meta, images


def zipped(meta: object, images: Mapping[str, bytes], inner: str = "") -> bytes:
    """The files in an archive, in the folder `inner` of it."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in {**images, "meta.json": json.dumps(meta).encode()}.items():
            archive.writestr(zipfile.ZipInfo(inner + name), data)
    return stream.getvalue()


def sog_bytes(cloud: Cloud, version: int) -> bytes:
    return zipped(*sog_files(cloud, version))


def webp(pixels: npt.NDArray[np.uint8]) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format="WEBP", lossless=True, exact=True)
    return stream.getvalue()


def _square(values: npt.NDArray[np.number]) -> npt.NDArray[np.uint8]:
    """[N, channels] row by row in an image that is about square; what is left over is 7."""
    side = int(np.ceil(np.sqrt(len(values))))
    pixels = np.full((-(-len(values) // side) * side, values.shape[1]), 7, np.uint8)
    pixels[: len(values)] = values
    return pixels.reshape(-1, side, values.shape[1])


def _shares(values: Array) -> tuple[Array, Meta]:
    low, high = values.min(axis=0), values.max(axis=0)
    return (values - low) / (high - low), {"mins": low.tolist(), "maxs": high.tolist()}


def _coded(values: Array) -> tuple[npt.NDArray[np.int64], list[float]]:
    """The nearest of 256 codes that are evenly apart, and those."""
    low, high = float(values.min()), float(values.max())
    return np.rint((values - low) / (high - low) * 255).astype(np.int64), np.linspace(low, high, 256).tolist()
