"""Quantised weights: nearest codes, two levels without overflow, and the stream they lie in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from golden.cluster.spec import GROUP, Spec
from golden.cluster.weights import block_flits, dequantise, pack_weights, quantise, unpack_weights
from golden.errors import InputError

INT8 = Spec(nodes=4, link_width=128)
INT4 = replace(INT8, weight_bits=4)


def rows(seed: int, count: int = 8, inputs: int = 256) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return generator.standard_normal((count, inputs)) * np.exp(generator.standard_normal((count, 1)))


def test_nearest_code(seed: int) -> None:
    weights = rows(seed)
    codes = quantise(weights, INT8)
    assert np.abs(codes.codes * codes.scales[:, None] - weights).max() <= codes.scales.max() / 2 + 1e-6
    assert np.abs(codes.codes).max(1).tolist() == [127] * len(weights)


def test_two_levels_never_leave_8_bits(seed: int) -> None:
    """Also for groups that reach one end or both: no wrap, and an error below a step."""
    weights = rows(seed, count=64)
    weights[::4, :GROUP] = np.abs(weights[::4, :GROUP]) + np.abs(weights).max()  # a group of high codes only
    weights[1::4, :GROUP] = -np.abs(weights[1::4, :GROUP])
    eight, four = quantise(weights, INT8), quantise(weights, INT4)
    assert four.steps is not None
    assert four.offsets is not None
    assert four.codes.min() >= 0
    assert four.codes.max() <= 15
    assert four.steps.max() <= 17
    exact = four.codes * np.repeat(four.steps, GROUP, 1) + np.repeat(four.offsets, GROUP, 1)
    assert np.abs(exact).max() <= 127
    assert np.array_equal(four.wide, exact)
    assert (np.abs(four.wide - eight.codes) <= np.repeat(four.steps, GROUP, 1)).all()


def test_wraps() -> None:
    """What the hardware does with parameters that no quantiser makes."""
    assert dequantise(np.array([15]), np.array([17]), np.array([100])).tolist() == [15 * 17 + 100 - 256]


@pytest.mark.parametrize("spec", [INT8, INT4, replace(INT4, link_width=64), replace(INT4, link_width=256)])
@pytest.mark.parametrize("inputs", [64, 128, 192])
def test_stream(spec: Spec, inputs: int, seed: int) -> None:
    weights = quantise(rows(seed, 16, inputs), spec)
    stream = pack_weights(weights, spec)
    assert len(stream) == 16 // spec.lanes * block_flits(inputs, spec)
    back = unpack_weights(stream, 16 // spec.lanes, inputs, spec)
    assert np.array_equal(back.wide, weights.wide)
    assert np.array_equal(back.scales, weights.scales)


def test_refused() -> None:
    with pytest.raises(InputError, match="multiple of 64 inputs, it has 96"):
        quantise(rows(1, 4, 96), INT4)
    with pytest.raises(InputError, match="weights must be finite"):
        quantise(rows(1) * np.nan, INT8)
    with pytest.raises(InputError, match=r"multiple of 4 .* they are 6"):
        pack_weights(quantise(rows(1, 6), INT8), INT8)
