"""The bytes of the framebuffer, by the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from golden.region import Region
from golden.splat.frame import Frame
from golden.splat.memory_image import MemoryImage, expected_results, read_frame
from golden.splat.spec import Spec

if TYPE_CHECKING:  # torch is not needed to lay out memory
    from golden.splat.model import ModelResult


def result_region(model: ModelResult, frame: Frame, image: MemoryImage, spec: Spec) -> Region:
    """Every pixel of the frame; what a group has beyond the frame's edge is not known."""
    positions: Any = np.arange(image.result_bytes)  # reading only moves bytes, and numbers as well
    places = read_frame(positions, frame, spec)
    data, known = np.zeros(image.result_bytes, np.uint8), np.zeros(image.result_bytes, np.bool_)
    data[places], known[places] = expected_results(model)["framebuffer"], True
    return Region(data=data, known=known)
