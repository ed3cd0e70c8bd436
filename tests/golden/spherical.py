"""Real spherical harmonics from their textbook definition, independent of the golden model's table."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def _legendre(degree: int, order: int, x: Array) -> Array:
    """The associated Legendre function P_l^m, with the Condon-Shortley phase, by its recurrences."""
    diagonal = math.prod(range(1, 2 * order, 2)) * (-1.0) ** order * (1 - x * x) ** (order / 2)
    if degree == order:
        return diagonal
    below, here = diagonal, x * (2 * order + 1) * diagonal
    for step in range(order + 2, degree + 1):
        below, here = here, ((2 * step - 1) * x * here - (step + order - 1) * below) / (step - order)
    return here


def real_harmonics(direction: Array, degree: int) -> Array:
    """Y_k of unit vectors [N, 3] for all bands up to `degree`, ordered m = -l..l: [N, (degree+1)²]."""
    x, y, z = direction.T
    azimuth = np.arctan2(y, x)
    columns = []
    for band in range(degree + 1):
        for signed in range(-band, band + 1):
            m = abs(signed)
            norm = math.sqrt((2 * band + 1) / (4 * math.pi) * math.factorial(band - m) / math.factorial(band + m))
            wave = math.sqrt(2) * (np.sin(m * azimuth) if signed < 0 else np.cos(m * azimuth)) if m else np.ones_like(x)
            columns.append(norm * wave * _legendre(band, m, z))
    return np.stack(columns, axis=1)
