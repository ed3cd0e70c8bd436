"""The bytes that the engine leaves behind, by the model."""

from __future__ import annotations

import numpy as np

from golden.radiance.memory_image import RadianceImage
from golden.radiance.memory_map import HEADER_BYTES, LINE_BYTES, RESULT_BYTES, result
from golden.radiance.model import Played
from golden.radiance.saved import save
from golden.radiance.spec import CHANNEL_BITS
from golden.region import Region, region
from golden.rows import Bytes, to_bytes


def result_region(played: Played, image: RadianceImage) -> Region:
    """Every visit's results, and each region's last saved cache with its rows' spare bits, which are zero."""
    spec = image.spec
    parts: list[tuple[int, Bytes]] = []
    for begin, count, found in zip(image.results, image.pixels, played.found, strict=True):
        columns = {f"colour_{k}": found.colour[0][:, k] for k in range(spec.channels)}
        rows = to_bytes(result(spec), {**columns, "hit": found.hit[0].astype(np.int64)}, count)
        used = spec.channels * CHANNEL_BITS // 8 + 1  # the hit's byte is the last
        parts += [(begin + RESULT_BYTES * k, row[:used]) for k, row in enumerate(rows)]
    for number in sorted(set(image.regions)):
        room, saved = image.last_room(number), save(spec, played.caches[number], 0, image.identity)
        parts += [(room, saved[:HEADER_BYTES]), (room + LINE_BYTES, saved[LINE_BYTES:])]
    return region(image.result_bytes, parts)
