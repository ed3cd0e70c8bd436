"""A frame as people look at it: over a background, or with its coverage as alpha.

The hardware knows no background: it leaves colour that is already multiplied by coverage, and coverage, each rounded
to a byte. What is done here is done in float32, and rounded once more where a picture becomes bytes.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Color = tuple[float, float, float]

BLACK: Color = (0.0, 0.0, 0.0)


def over(layers: Floats, background: Color = BLACK) -> Floats:
    """Colour + (1 - coverage)·background, [H, W, 4] -> [H, W, 3].

    A channel of the background at b adds up to b/2 of a byte's step to the error, from the coverage's rounding; over
    black the bytes stay as they are.
    """
    behind = (1 - layers[..., 3:]) * np.array(background, np.float32)
    return (layers[..., :3] + behind).astype(np.float32)


def straight(layers: Floats) -> Floats:
    """Colour divided by coverage, beside coverage, as PNG has it: [H, W, 4].

    Black where nothing is covered. A colour above 1 stays so; a file of bytes clips it. The
    division makes a byte's rounding larger where coverage is small, which what multiplies by alpha
    again makes small.
    """
    coverage = layers[..., 3:]
    color = np.divide(layers[..., :3], coverage, out=np.zeros_like(layers[..., :3]), where=coverage > 0)
    return np.concatenate([color, coverage], axis=-1)


def too_bright(layers: Floats) -> int:
    """Pixels whose straight colour is above 1 by more than the rounding of bytes."""
    return int((layers[..., :3] - layers[..., 3:] > 1 / 255 + 1e-6).any(axis=-1).sum())
