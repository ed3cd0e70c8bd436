"""Float keys, values and queries as the INT8 codes that the engine works with."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from golden.errors import InputError
from golden.integers import bit_length
from golden.kv.hash_unit import project
from golden.kv.spec import KEY_MAX, Spec

#: Of values that share a scale and are not all zero, the least largest magnitude: float32 holds their step in full.
LEAST = float(torch.finfo(torch.float32).tiny) * KEY_MAX
#: Largest row over the median row from which on the median row has less than 4 of the 127 steps, an error of some 20 %.
DWARFING = 32.0
CALIBRATION = 512  # keys whose mean the hyperplanes' offsets come from


@dataclass(frozen=True, kw_only=True)
class Quantised:
    """One layer's keys, values and queries as codes; value = code · scale."""

    keys: Tensor  # int64 [T, heads, head_size]
    values: Tensor  # int64 [T, heads, head_size]
    queries: Tensor  # int64 [R, heads, head_size]
    key_scale: Tensor  # [heads]
    value_scale: Tensor  # [heads]
    query_scale: Tensor  # [R, heads]
    offsets: Tensor  # int64 [hash_bits] projection of the calibration keys' mean
    shifts: Tensor  # int64 [R, heads] bucket = score >> shift


def codes(values: Tensor, scale: Tensor) -> Tensor:
    """round(value / scale), limited to ±127."""
    return (values / scale).round().clip(-KEY_MAX, KEY_MAX).long()


def scale_of(values: Tensor, dims: tuple[int, ...]) -> Tensor:
    """Largest magnitude / 127; 1 where all values are zero. `dims` are kept, with size 1.

    Raises:
        InputError: the magnitudes are too small for float32 to hold the step.
    """
    top = values.abs().amax(dims, keepdim=True)
    small = top[(top > 0) & (top < LEAST)]
    if small.numel():
        raise InputError(
            f"kv: values that share a scale must be 0 or reach {LEAST:.3g}, {small.numel()} of {top.numel()} such "
            f"groups do not, the first reaches {float(small[0]):.3g}"
        )
    return torch.where(top > 0, top / KEY_MAX, torch.ones_like(top))


def row_ratios(values: Tensor) -> Tensor:
    """Of each head of [heads, T, d] the largest row over the median row that is not 0, by magnitude; 1 without."""
    rows = values.abs().amax(2)
    median = rows.masked_fill(rows == 0, torch.nan).nanmedian(1).values
    return torch.where(median > 0, rows.amax(1) / median, torch.ones_like(median))


def bucket_shifts(queries: Tensor, keys: Tensor, spec: Spec) -> Tensor:
    """For each row and head the smallest shift that keeps |Q|·max|K| within half the buckets, [R, heads].

    No score exceeds it: a mean is no longer than the longest key (Cauchy–Schwarz), apart from
    rounding; a score that does exceed it falls into the last bucket.
    """
    square = (queries**2).sum(2) * (keys**2).sum(2).max(0).values
    bits = (bit_length(square) + 1) // 2  # of the root
    return (bits - (spec.buckets.bit_length() - 2)).clip(0)


def check_finite(name: str, values: Tensor) -> None:
    """Refuses NaN and infinity.

    Raises:
        InputError: one is there.
    """
    bad = int((~torch.isfinite(values)).sum())
    if bad:
        raise InputError(f"kv: {name} must be finite numbers, {bad} of {values.numel()} are not")


def quantise(
    keys: Tensor, values: Tensor, queries: Tensor, spec: Spec, *, calibration: Tensor | None = None
) -> Quantised:
    """Symmetric INT8, a scale per head for keys and values, per row and head for queries.

    Args:
        keys, values: float [heads, T, head_size]. queries: float [heads, R, head_size].
        calibration: keys of this layer [heads, N, head_size] whose mean centres the hyperplanes;
            the stream's own first 512 if left out.

    Raises:
        InputError: a shape that the spec does not have, no tokens or queries, or a value that is not finite.
    """
    for name, tensor in (("keys", keys), ("values", values), ("queries", queries)):
        if tensor.ndim != 3 or tensor.shape[0] != spec.heads or tensor.shape[2] != spec.head_size:
            raise InputError(
                f"kv: {name} must be [heads, length, head size] with heads {spec.heads} and head size "
                f"{spec.head_size}, they are {list(tensor.shape)}"
            )
        if tensor.shape[1] == 0:
            raise InputError(f"kv: {name} must not be empty, their length is 0")
        check_finite(name, tensor)
    if keys.shape[1] != values.shape[1]:
        raise InputError(f"kv: keys and values must be equally many, they are {keys.shape[1]} and {values.shape[1]}")
    if keys.shape[1] > spec.tokens:
        raise InputError(f"kv: at most {spec.tokens} tokens fit this config, there are {keys.shape[1]}")
    key_scale, value_scale = scale_of(keys, (1, 2)), scale_of(values, (1, 2))
    query_scale = scale_of(queries, (2,))
    key_codes = codes(keys, key_scale).transpose(0, 1).contiguous()
    query_codes = codes(queries, query_scale).transpose(0, 1).contiguous()
    reference = keys if calibration is None else calibration
    centre = project(codes(reference[:, :CALIBRATION], key_scale).transpose(0, 1), spec).double().mean(0)
    return Quantised(
        keys=key_codes,
        values=codes(values, value_scale).transpose(0, 1).contiguous(),
        queries=query_codes,
        key_scale=key_scale.flatten(),
        value_scale=value_scale.flatten(),
        query_scale=query_scale[:, :, 0].T.contiguous(),
        offsets=centre.round().long(),
        shifts=bucket_shifts(query_codes, key_codes, spec),
    )
