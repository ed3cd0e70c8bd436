"""Image quality."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

IDENTICAL_DB = 99.0  # what a report shows for two equal images, whose PSNR is infinite


def psnr(image: npt.NDArray[np.floating], reference: npt.NDArray[np.floating]) -> float:
    """Peak signal-to-noise ratio in dB for peak 1, both clamped to [0, 1]; `IDENTICAL_DB` if equal."""
    difference = np.clip(image, 0, 1).astype(np.float64) - np.clip(reference, 0, 1).astype(np.float64)
    error = float((difference**2).mean())
    return IDENTICAL_DB if error == 0 else min(IDENTICAL_DB, -10 * math.log10(error))
