"""Calibrated weights: never worse on what they were calibrated on, and within the formats."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from golden.cluster.calibration import best_range, calibrated, nearest
from golden.cluster.spec import GROUP, Spec
from golden.cluster.weights import pack_weights, quantise, unpack_weights
from golden.errors import InputError

INT8 = Spec(nodes=4, link_width=128)
INT4 = replace(INT8, weight_bits=4)


def drawn(seed: int, rows: int = 16, inputs: int = 192, count: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Weights and inputs, which have much in common and a few of which are far larger than the others."""
    generator = np.random.default_rng(seed)
    weights = generator.standard_normal((rows, inputs))
    mixed = generator.standard_normal((count, 24)) @ generator.standard_normal((24, inputs))
    met = mixed + 0.5 * generator.standard_normal((count, inputs))
    met[:, ::40] *= 20
    return weights, met


@pytest.mark.parametrize(("spec", "share"), [(INT8, 0.9), (INT4, 0.6)], ids=["8", "4"])
def test_error_on_other_inputs(spec: Spec, share: float, seed: int) -> None:
    """Half of the inputs calibrate; on the other half the outputs are nearer than those of nearest codes."""
    weights, met = drawn(seed)

    def error(codes: object) -> float:
        wide = codes.wide * codes.scales[:, None]  # type: ignore[attr-defined]
        return float(np.linalg.norm(met[200:] @ (wide - weights).T) / np.linalg.norm(met[200:] @ weights.T))

    fitted = calibrated(weights, met[:200], spec)
    assert error(fitted) < share * error(quantise(weights, spec))


def test_formats_are_kept(seed: int) -> None:
    """Steps that the stream holds, codes of 4 bits, sums within 8 bits, and the stream gives them back."""
    weights, met = drawn(seed)
    weights[:3, :GROUP] = 9 + np.abs(weights[:3, :GROUP])  # high codes only
    found = calibrated(weights, met, INT4)
    assert found.steps is not None
    assert found.offsets is not None
    sums = found.codes * np.repeat(found.steps, GROUP, 1) + np.repeat(found.offsets, GROUP, 1)
    assert (found.codes.min(), found.codes.max()) == (0, 15)
    assert 1 <= found.steps.min() <= found.steps.max() <= 17
    assert -127 <= sums.min() <= sums.max() <= 127
    again = unpack_weights(pack_weights(found, INT4), 4, weights.shape[1], INT4)
    assert np.array_equal(again.wide, sums)


def test_range(seed: int) -> None:
    """No pair of the rounding's own range is better; an input without power does not count."""
    group = np.random.default_rng(seed).uniform(-100, 100, (5, GROUP))
    group[:, 0] = 127
    power = np.ones(GROUP)
    power[0] = 0
    steps, offsets = best_range(group, power)
    loss = (power * (group - nearest(group, steps, offsets) * steps - offsets) ** 2).sum(1)
    plain = np.full((5, 1), 16), np.full((5, 1), -113)
    assert (loss <= (power * (group - nearest(group, *plain) * 16 + 113) ** 2).sum(1)).all()
    assert (steps <= 14).all()  # the outlier's range would need 16


def test_refused(seed: int) -> None:
    weights, met = drawn(seed)
    with pytest.raises(InputError, match="calibration needs finite inputs, 0 vectors were given"):
        calibrated(weights, met[:0], INT8)
    with pytest.raises(InputError, match="calibration needs finite inputs, 400 vectors were given"):
        calibrated(weights, met * np.inf, INT8)
    with pytest.raises(InputError, match="must be a multiple of 64 inputs, it has 63"):
        calibrated(weights[:, :63], met[:, :63], INT4)
