"""Weights as codes for the inputs that they meet: what rounding one weight costs, the next ones make good.

GPTQ (arXiv 2210.17323): column by column, the error of a rounded weight is spread over the columns still to come by the
inverse of the inputs' second moments. The two levels of 4-bit weights (`golden.cluster.weights`) have integer steps
and offsets; of a group's the pair with the least squared error is taken, inputs' power in the sum, ends clipped.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from golden.cluster.spec import GROUP, Spec
from golden.cluster.weights import LIMIT, Ints, Weights, quantise
from golden.errors import InputError

DAMPING = 0.5  # of the mean power, added to each input's: few calibration vectors leave directions unseen
SHRINK = np.arange(1.0, 0.59, -0.05)  # of a group's range, that are tried
TOP = 15  # largest code of 4 bits

Doubles = npt.NDArray[np.float64]


def calibrated(weights: Doubles, inputs: Doubles, spec: Spec) -> Weights:
    """As `quantise`, of weights [rows, inputs], for inputs [n, inputs]. Scales of rows are those of `quantise`.

    Raises:
        InputError: as `quantise`, or no inputs, or one that is not finite.
    """
    plain = quantise(weights, spec)
    if not len(inputs) or not np.isfinite(inputs).all():
        raise InputError(f"decode: calibration needs finite inputs, {len(inputs)} vectors were given")
    power, spread = moments(inputs)
    work = weights / plain.scales[:, None].astype(np.float64)
    codes = np.zeros(weights.shape, np.int64)
    steps, offsets = np.ones((len(work), 1), np.int64), np.zeros((len(work), 1), np.int64)
    kept: list[tuple[Ints, Ints]] = []
    for column in range(work.shape[1]):
        if plain.steps is not None and column % GROUP == 0:
            end = column + GROUP
            steps, offsets = best_range(work[:, column:end], power[column:end])
            kept.append((steps, offsets))
        own = work[:, column : column + 1]
        small = nearest(own, steps, offsets) if kept else np.clip(np.rint(own), -LIMIT, LIMIT).astype(np.int64)
        codes[:, column : column + 1] = small
        error = (own - (small * steps + offsets)) / spread[column, column]
        work[:, column + 1 :] -= error * spread[column, column + 1 :]
    if not kept:
        return Weights(codes=codes, scales=plain.scales)
    pairs = [np.concatenate(part, 1) for part in zip(*kept, strict=True)]
    return Weights(codes=codes, scales=plain.scales, steps=pairs[0], offsets=pairs[1])


def moments(inputs: Doubles) -> tuple[Doubles, Doubles]:
    """Each input's mean square, damped, and the upper Cholesky factor of the second moments' inverse."""
    second = inputs.T @ inputs / len(inputs)
    second += DAMPING * max(float(np.trace(second)) / len(second), np.finfo(np.float32).tiny) * np.eye(len(second))
    upper = np.linalg.cholesky(np.linalg.inv(second)).T
    return np.diag(second), upper.astype(np.float64, copy=False)


def best_range(group: Doubles, power: Doubles) -> tuple[Ints, Ints]:
    """Step and offset, each [rows, 1], of a group [rows, GROUP]: the least Σ power · error² of those tried."""
    inside = group.clip(-LIMIT, LIMIT)  # what other columns have pushed beyond is clipped
    low, high = inside.min(1, keepdims=True), inside.max(1, keepdims=True)
    tried = [_range(low, high, shrink, turn, place) for shrink in SHRINK for turn in (0, 1) for place in (0, 0.5, 1)]
    errors = [(power * (group - (nearest(group, step, offset) * step + offset)) ** 2).sum(1) for step, offset in tried]
    best = np.argmin(errors, axis=0)[None, :, None]
    return tuple(np.take_along_axis(np.stack(part), best, 0)[0] for part in zip(*tried, strict=True))  # type: ignore[return-value]


def _range(low: Doubles, high: Doubles, shrink: float, turn: int, place: float) -> tuple[Ints, Ints]:
    """The smallest step, or one less, of a shrunk range, at the group's lower end, its upper one, or between."""
    steps = np.maximum(np.ceil((high - low) * shrink / TOP).astype(np.int64) - turn, 1)
    offsets = np.rint(low + (high - low - steps * TOP) * place).astype(np.int64)
    return steps, np.clip(offsets, -LIMIT, LIMIT)


def nearest(values: Doubles, steps: Ints, offsets: Ints) -> Ints:
    """Codes of 4 bits whose code·step + offset is nearest, and no more than 127."""
    top = np.minimum((LIMIT - offsets) // steps, TOP)
    return np.clip(np.rint((values - offsets) / steps), 0, top).astype(np.int64)
