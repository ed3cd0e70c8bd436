"""The bytes that the engine leaves behind, by the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from golden.kv.memory_image import MemoryImage, bitmap, expected_log, expected_records
from golden.kv.spec import Spec
from golden.region import Region, region

if TYPE_CHECKING:  # torch is not needed to lay out memory
    from golden.kv.model import ModelResult
    from golden.kv.quantise import Quantised


def result_region(model: ModelResult, data: Quantised, image: MemoryImage, spec: Spec) -> Region:
    """The log, each head's bitmap as far as it is written, and the gathered records of all heads."""
    stride = (image.gather_offset - image.select_offset) // spec.heads
    bitmaps = [(image.select_offset + k * stride, bitmap(h.selected, spec)) for k, h in enumerate(model.heads)]
    gathered = np.concatenate(expected_records(model, data, spec))
    return region(image.result_bytes, [(0, expected_log(model)), *bitmaps, (image.gather_offset, gathered)])
