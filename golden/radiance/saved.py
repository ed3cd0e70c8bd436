"""Saved caches: a region's cache as bytes, and what may be restored of bytes."""

from __future__ import annotations

import zlib

import numpy as np

from golden.radiance.cache import RegionCache, empty_cache
from golden.radiance.memory_map import (
    HEADER,
    HEADER_BYTES,
    LINE_BYTES,
    cache_set,
    image_bytes,
    layout_code,
    set_bytes,
)
from golden.radiance.spec import Spec
from golden.rows import Bytes, Ints, from_bytes, to_bytes


def save(spec: Spec, cache: RegionCache, region: int, identity: int) -> Bytes:
    """The image of one region's cache: `memory_map.HEADER`, its line's rest 0, and the rows."""
    rows = to_bytes(cache_set(spec), _columns(spec, cache, region), spec.sets).reshape(-1)
    header = {**layout_code(spec), "identity": identity, "checksum": zlib.crc32(rows.tobytes())}
    image = np.zeros(image_bytes(spec), np.uint8)
    image[:HEADER_BYTES] = to_bytes(HEADER, header, 1)[0]
    image[LINE_BYTES:] = rows
    return image


def refusal(spec: Spec, image: Bytes, identity: int) -> str | None:
    """Why bytes are not restored; None: they are. An image that is refused counts as an empty cache."""
    if len(image) != image_bytes(spec):
        return f"a saved cache has {image_bytes(spec)} bytes, this one {len(image)}"
    header = {name: int(column[0]) for name, column in from_bytes(HEADER, image[None, :HEADER_BYTES]).items()}
    for name, value in {**layout_code(spec), "identity": identity}.items():
        if header[name] != value:
            return f"its {name} is {header[name]}, not {value}"
    checksum = zlib.crc32(image[LINE_BYTES:].tobytes())
    if header["checksum"] != checksum:
        return f"its checksum is {header['checksum']:08x}, its rows' {checksum:08x}"
    return None


def restore(spec: Spec, image: Bytes) -> RegionCache:
    """One region's cache out of an image that is not refused; what only the model keeps of it, ids, is 0."""
    columns = set_columns(spec, image)
    return RegionCache(
        valid=columns["valid"].astype(bool)[None], tag=columns["tag"][None], value=columns["colour"][None],
        recent=columns["recent"][None], ids=empty_cache(spec).ids,
    )  # fmt: skip


def set_columns(spec: Spec, image: Bytes) -> dict[str, Ints]:
    """An image's rows: `valid` [sets, ways], `tag` [sets, ways, words], `colour` [sets, ways, channels], `recent`."""
    rows = from_bytes(cache_set(spec), image[LINE_BYTES:].reshape(-1, set_bytes(spec)))

    def gather(name: str, count: int) -> Ints:
        return np.stack(
            [np.stack([rows[f"{name}_{way}_{k}"] for k in range(count)], -1) for way in range(spec.ways)], axis=1
        )

    return {
        "valid": np.stack([rows[f"valid_{way}"] for way in range(spec.ways)], axis=1),
        "tag": gather("tag", spec.tag_words),
        "colour": gather("colour", spec.channels),
        "recent": rows["recent"],
    }


def _columns(spec: Spec, cache: RegionCache, region: int) -> dict[str, Ints]:
    columns = {"recent": cache.recent[region]}
    for way in range(spec.ways):
        columns[f"valid_{way}"] = cache.valid[region, :, way].astype(np.int64)
        for k in range(spec.tag_words):
            columns[f"tag_{way}_{k}"] = cache.tag[region, :, way, k]
        for k in range(spec.channels):
            columns[f"colour_{way}_{k}"] = cache.value[region, :, way, k]
    return columns
