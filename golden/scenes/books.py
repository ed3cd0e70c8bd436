"""Codebooks of a scene: entries that many Gaussians share (no torch)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

BOOKS = ("scale", "rotation", "dc", "sh")


@dataclass(frozen=True, kw_only=True)
class Books:
    """The four books, as values of `golden.scenes.scene.Scene`, and which entries each Gaussian has."""

    scales: Floats  # [K0, 3]
    quaternions: Floats  # [K1, 4] unit length, w, x, y, z
    dc: Floats  # [K2, 3] coefficient 0 of the harmonics
    sh: Floats  # [K3, (degree+1)² - 1, 3] the others
    index: Ints  # [N, 4] into the books, in the order of `BOOKS`

    @property
    def sizes(self) -> tuple[int, int, int, int]:
        """Entries of each book."""
        return len(self.scales), len(self.quaternions), len(self.dc), len(self.sh)

    def select(self, gaussians: npt.NDArray[np.integer] | npt.NDArray[np.bool_]) -> Books:
        """The same books for some of the Gaussians."""
        return Books(
            scales=self.scales, quaternions=self.quaternions, dc=self.dc, sh=self.sh, index=self.index[gaussians]
        )

    def gathered(self) -> dict[str, Floats]:
        """What a scene holds of each Gaussian by these books: `scales`, `quaternions` and `sh`."""
        scale, rotation, dc, sh = self.index.T
        return {
            "scales": self.scales[scale],
            "quaternions": self.quaternions[rotation],
            "sh": np.concatenate([self.dc[dc][:, None], self.sh[sh]], axis=1),
        }
