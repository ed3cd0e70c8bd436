"""The nodes' decode units, bit-true: projection, scores, weighted sum, rotary embedding and quantisation.

Fused decode attention after ClusterFusion (arXiv 2508.18850), Alg. 3, on integers where data is wide and on
singles where it is not. All numbers named single are codes of IEEE 754 single precision.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from golden import floats
from golden.cluster.spec import CACHE_LIMIT, PROBABILITY_BITS, Spec
from golden.float_format import SINGLE


def rescale(total: Tensor, exponent: int, factor: int, scales: Tensor) -> Tensor:
    """total·2**exponent · factor · scale, singles, rounded three times. The RTL's `rescale` is the twin."""
    number = floats.from_int(total, torch.full_like(total, exponent))
    scaled = floats.multiply(number, torch.full_like(number, factor), SINGLE)
    return floats.multiply(scaled, scales.expand_as(scaled), SINGLE)


def project(weights: Tensor, codes: Tensor, exponent: int, factor: int, scales: Tensor) -> Tensor:
    """y = (Σ_c w·x)·2**exponent · factor · scale; the sum is exact, the rest is `rescale`d.

    Weights [rows, inputs] of 8 bits, codes [inputs], scales [rows] single. Returns singles [rows].
    """
    return rescale((weights.double() @ codes.double()).to(torch.int64), exponent, factor, scales)


def probabilities(scores: Tensor, maximum: int) -> Tensor:
    """P = round(2**17 · exp(s - m)), at most 2**17 - 1, of scores [tokens]. The RTL's `probability` is the twin."""
    distance = floats.add(torch.full_like(scores, maximum), scores ^ SINGLE.sign, SINGLE)
    shares = floats.exp_negative(
        distance & (SINGLE.sign - 1) | torch.where(floats.is_nan(distance, SINGLE), SINGLE.nan, 0)
    )
    shift = torch.full_like(scores, PROBABILITY_BITS)
    return floats.to_code(shares, shift, (1 << PROBABILITY_BITS) - 1)[0]


def weigh(scores: Tensor, maximum: int, values: Tensor) -> tuple[Tensor, Tensor]:
    """l = Σ P; o = Σ P·v, both exact, P the `probabilities`.

    Scores [tokens] single, value codes [tokens, head]. Returns l [1] and o [head] as integers. Without
    any token m is -∞ and l and o are 0.
    """
    codes = probabilities(scores, maximum)
    return codes.sum(0, keepdim=True), (codes.double() @ values.double()).to(torch.int64)


def record_of(maximum: int, total: Tensor, output: Tensor, spec: Spec) -> Tensor:
    """The record of singles m, l, 0 …, o: a header flit, then the weighted sums as numbers."""
    header = torch.zeros(spec.lanes, dtype=torch.int64)
    scale = torch.tensor(-PROBABILITY_BITS)
    header[0], header[1] = maximum, floats.from_int(total, scale.expand_as(total))[0]
    return torch.cat([header, floats.from_int(output, scale.expand_as(output))])


def turn(vector: Tensor, own: Tensor, other: Tensor) -> Tensor:
    """z[c] = own[c]·x[c] + other[c]·x[c XOR 1], singles, each step rounded.

    With own = cos·f and other = (-sin, sin)·f: rotary embedding of the pairs (2i, 2i + 1), times f.
    """
    swapped = vector.unflatten(-1, (-1, 2)).flip(-1).flatten(-2)
    return floats.add(floats.multiply(own, vector, SINGLE), floats.multiply(other, swapped, SINGLE), SINGLE)


def quantise(vector: Tensor, bits: int) -> tuple[Tensor, int]:
    """Codes of `bits` bits and their exponent: x ≈ code·2**exponent, the largest code has all its bits.

    Block floating point: no division, at the price of at most one bit.
    """
    largest = int(((vector >> SINGLE.mantissa) & SINGLE.top).max())
    shift = bits - 2 - (largest - SINGLE.bias)
    codes, _ = floats.to_code(vector, torch.full_like(vector, shift), (1 << (bits - 1)) - 1)
    return codes, -shift


def largest(numbers: Tensor) -> int:
    """The maximum of singles [n], n >= 1."""
    while len(numbers) > 1:
        half = (len(numbers) + 1) // 2
        numbers = floats.maximum(numbers[:half], numbers[-half:], SINGLE)
    return int(numbers)


@dataclass
class Unit:
    """One node's registers and memories: activations with exponent and factor, constants, the scores' maximum."""

    spec: Spec
    codes: Tensor = field(init=False)
    exponent: int = 0
    factor: int = SINGLE.one
    constants: Tensor = field(init=False)  # [rows, own and other, words of a flit], singles
    maximum: int = SINGLE.negative_infinity

    def __post_init__(self) -> None:
        self.codes = torch.zeros(self.spec.inputs, dtype=torch.int64)
        self.constants = torch.zeros((self.spec.constant_rows, 2, self.spec.lanes), dtype=torch.int64)

    def load_activations(self, codes: Tensor, first: int, factor: int) -> None:
        """Codes that the host made; x = code · factor."""
        self.codes[first : first + len(codes)] = codes
        self.exponent, self.factor = 0, factor

    def gemv(self, weights: Tensor, scales: Tensor) -> Tensor:
        """Singles [rows] of weights [rows, inputs]."""
        return project(weights, self.codes[: weights.shape[1]], self.exponent, self.factor, scales)

    def score(self, keys: Tensor, scale: int, masked: bool) -> Tensor:
        """Singles [tokens] of key codes [tokens, head]; the last is -∞ if `masked`. Keeps the maximum."""
        result = project(keys, self.codes[: keys.shape[1]], self.exponent, self.factor, torch.tensor(scale))
        if masked:
            result[-1] = SINGLE.negative_infinity
        self.maximum = largest(result)
        return result

    def attend(self, scores: Tensor, values: Tensor) -> Tensor:
        """The record of singles m, l, 0 …, o: a header flit and the head's."""
        return record_of(self.maximum, *weigh(scores, self.maximum, values), self.spec)

    def activate(self, vector: Tensor, row: int, divisor: int | None) -> None:
        """The activations become `turn`ed vector; with a divisor (single) the factor is its reciprocal."""
        turned = self.turned(vector, row)
        codes, self.exponent = quantise(turned, self.spec.activation_bits)
        self.codes[: len(codes)] = codes
        self.factor = SINGLE.one if divisor is None else int(floats.reciprocal(torch.tensor(divisor)))

    def cache_codes(self, vector: Tensor, row: int) -> Tensor:
        """The `turn`ed vector as 8-bit codes of exponent 0: an entry of the cache."""
        turned = self.turned(vector, row)
        return floats.to_code(turned, torch.zeros_like(turned), CACHE_LIMIT)[0]

    def turned(self, vector: Tensor, row: int) -> Tensor:
        """`turn` by the constants from `row` on."""
        constants = self.constants[row : row + len(vector) // self.spec.lanes]
        return turn(vector, constants[:, 0].flatten(), constants[:, 1].flatten())
