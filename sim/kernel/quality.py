"""Image quality, and figures that have no value."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

IDENTICAL_DB = 99.0  # what a report shows for two equal images, whose PSNR is infinite


def psnr(image: npt.NDArray[np.floating], reference: npt.NDArray[np.floating]) -> float:
    """Peak signal-to-noise ratio in dB for peak 1, both clamped to [0, 1]; `IDENTICAL_DB` if equal."""
    difference = np.clip(image, 0, 1).astype(np.float64) - np.clip(reference, 0, 1).astype(np.float64)
    error = float((difference**2).mean())
    return IDENTICAL_DB if error == 0 else min(IDENTICAL_DB, -10 * math.log10(error))


def defined(figures: Mapping[str, Any]) -> dict[str, Any]:
    """The figures, at any depth of mappings, with None for one that is NaN or infinite: 0/0, or a ratio to 0.

    JSON has no NaN, so that reports hold null where a quality has no value.
    """
    return {name: _defined(figure) for name, figure in figures.items()}


def _defined(figure: Any) -> Any:
    if isinstance(figure, Mapping):
        return defined(figure)
    return None if isinstance(figure, float | np.floating) and not math.isfinite(figure) else figure


def shown(figure: float | None, form: str) -> str:
    """The figure in a table, by Python's format specification; a dash where it has no value."""
    return "–" if figure is None else format(figure, form)
