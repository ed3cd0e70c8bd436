"""The bytes that a program stores, by the model."""

from __future__ import annotations

from golden.cluster.memory_image import MemoryImage
from golden.region import Region, region
from golden.rows import Bytes


def result_region(external: Bytes, image: MemoryImage) -> Region:
    """The whole region, of external memory as the model leaves it."""
    return region(image.result_bytes, [(0, external[image.result_address :][: image.result_bytes])])
