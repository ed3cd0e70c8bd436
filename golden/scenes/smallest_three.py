"""Rotations stored as three components of a unit quaternion, the largest one left out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def complete(largest: npt.NDArray[np.integer], others: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    """Unit quaternions, [N, 4], of the place of the largest component, [N], and the others in order, [N, 3]."""
    quaternion = np.empty((len(others), 4), np.float32)
    rows = np.arange(len(others))
    for k in range(3):
        quaternion[rows, k + (k >= largest)] = others[:, k]
    quaternion[rows, largest] = np.sqrt(np.maximum(0, 1 - (others**2).sum(axis=1)))
    return quaternion
