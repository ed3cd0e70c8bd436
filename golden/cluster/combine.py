"""The vector ALU, bit-true: two messages of flits into one. The RTL's `vector_alu` is the twin."""

from __future__ import annotations

import torch
from torch import Tensor

from golden import floats
from golden.cluster.spec import ElementType, Kind
from golden.float_format import HALF, SINGLE

WORD = 0xFFFFFFFF


def split_halves(words: Tensor) -> Tensor:
    """32-bit words [..., n] as 16-bit codes [..., 2n], low half first."""
    return torch.stack([words & 0xFFFF, words >> 16], dim=-1).flatten(-2)


def join_halves(codes: Tensor) -> Tensor:
    """The inverse of `split_halves`."""
    pairs = codes.unflatten(-1, (-1, 2))
    return pairs[..., 0] | pairs[..., 1] << 16


def widen_flits(words: Tensor) -> Tensor:
    """Flits of halves [f, w] as twice as many flits of singles [2f, w]."""
    return floats.widen(split_halves(words.flatten())).reshape(-1, words.shape[-1])


def _element(own: Tensor, received: Tensor, fmt: ElementType, kind: Kind) -> Tensor:
    if fmt == ElementType.INTEGER:
        a, b = ((v ^ 1 << 31) - (1 << 31) for v in (own, received))
        return {Kind.SUM: a + b, Kind.MAX: torch.maximum(a, b), Kind.MIN: torch.minimum(a, b)}[kind] & WORD
    function = {Kind.SUM: floats.add, Kind.MAX: floats.maximum, Kind.MIN: floats.minimum}[kind]
    return function(own, received, HALF if fmt == ElementType.HALF else SINGLE)


def merge_factors(m1: Tensor, m2: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """top = max(m1, m2), exp(m1 - top) and exp(m2 - top) of maxima [r]. The RTL's `merge_scale` is the twin.

    The larger maximum's factor is exactly 1, the other one is exp(-|m1 - m2|). Equal maxima, of
    whatever size, have a difference of 0; a NaN makes all three NaN.
    """
    top = floats.maximum(m1, m2, SINGLE)
    distance = floats.add(m1, m2 ^ SINGLE.sign, SINGLE) & (SINGLE.sign - 1)
    distance = torch.where((m1 == m2) & ~floats.is_nan(m1, SINGLE), 0, distance)
    factor = floats.exp_negative(distance)
    one = torch.full_like(factor, SINGLE.one)
    nan = floats.is_nan(factor, SINGLE)
    lower = top != m1  # own record is the one that is scaled
    return top, torch.where(lower | nan, factor, one), torch.where(lower & ~nan, one, factor)


def merge_words(own: Tensor, received: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """a·own + b·received, each step rounded. The RTL's `merge_lane` is the twin."""
    return floats.add(floats.multiply(a, own, SINGLE), floats.multiply(b, received, SINGLE), SINGLE)


def merge_records(own: Tensor, received: Tensor) -> Tensor:
    """Online-softmax merge of records [r, flits, w]: word 0 of a record is m, all others are l and o.

        m = max(m1, m2);  x = exp(m1 - m)·x1 + exp(m2 - m)·x2   for x of l, o

    All operations commute, so both partners get the same bits.
    """
    top, *factors = merge_factors(own[:, 0, 0], received[:, 0, 0])
    a, b = (factor[:, None, None].expand_as(own) for factor in factors)
    result = merge_words(own, received, a, b)
    result[:, 0, 0] = top
    return result


def combine(own: Tensor, received: Tensor, fmt: ElementType, kind: Kind, record: int = 1) -> Tensor:
    """Flits [f, w] of 32-bit words, element by element; MERGE by records of `record` flits."""
    if kind == Kind.MERGE:
        shape = (-1, record, own.shape[-1])
        return merge_records(own.reshape(shape), received.reshape(shape)).reshape(own.shape)
    if fmt == ElementType.HALF:
        return join_halves(_element(split_halves(own), split_halves(received), fmt, kind))
    return _element(own, received, fmt, kind)
