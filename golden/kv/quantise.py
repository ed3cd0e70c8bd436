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
#: By the planes that are read, of the half-range of 2**planes even steps in the spread of a normal distribution: that
#: with the least squared error (J. Max, Quantizing for minimum distortion, 1960), and a quarter more, as attention
#: goes to keys that lie far out.
PLANE_REACH = tuple(1.25 * reach for reach in (1.596, 1.991, 2.344, 2.682, 3.010, 3.331, 3.642))
CALIBRATION = 512  # keys whose mean is subtracted from all, and whose projections' mean centres the hyperplanes


@dataclass(frozen=True, kw_only=True)
class Quantised:
    """One layer's keys, values and queries as codes; value = code · scale, of keys less their mean."""

    keys: Tensor  # int64 [T, heads, head_size]
    values: Tensor  # int64 [T, heads, head_size]
    queries: Tensor  # int64 [R, heads, head_size]
    key_scale: Tensor  # [heads]
    value_scale: Tensor  # [T, heads] bfloat16's, as float32
    query_scale: Tensor  # [R, heads]
    offsets: Tensor  # int64 [hash_bits] projection of the calibration keys' mean
    shifts: Tensor  # int64 [R, heads] bucket = score >> shift


def codes(values: Tensor, scale: Tensor) -> Tensor:
    """round(value / scale), limited to ±127."""
    return (values / scale).round().clip(-KEY_MAX, KEY_MAX).long()


def largest(values: Tensor, dims: tuple[int, ...]) -> Tensor:
    """The largest magnitude; `dims` are kept, with size 1.

    Raises:
        InputError: one is too small for float32 to hold a step of it.
    """
    top = values.abs().amax(dims, keepdim=True)
    small = top[(top > 0) & (top < LEAST)]
    if small.numel():
        raise InputError(
            f"kv: values that share a scale must be 0 or reach {LEAST:.3g}, {small.numel()} of {top.numel()} such "
            f"groups do not, the first reaches {float(small[0]):.3g}"
        )
    return top


def scale_of(values: Tensor, dims: tuple[int, ...]) -> Tensor:
    """Largest magnitude / 127; 1 where all values are zero. `dims` are kept, with size 1.

    Raises:
        InputError: the magnitudes are too small for float32 to hold the step.
    """
    top = largest(values, dims)
    return torch.where(top > 0, top / KEY_MAX, torch.ones_like(top))


def plane_scale(scale: Tensor, spread: Tensor, planes: int) -> Tensor:
    """Of the codes whose first planes are read: that of whole codes where all are, else what few planes tell most with.

    Few planes of codes that reach the largest key are coarse where most keys lie. So the codes for them are clipped.

    Args:
        scale: of whole codes, which nothing exceeds. spread: root mean square of the values; both [heads, 1, d].
    """
    if planes > len(PLANE_REACH):
        return scale
    narrow = torch.minimum(scale.double(), spread.double() * (PLANE_REACH[planes - 1] / KEY_MAX))
    return torch.where(narrow > 0, narrow, scale.double()).to(scale)


def plane_codes(plain: Tensor, scale: Tensor, planes: int) -> tuple[Tensor, Tensor]:
    """Of keys [heads, T, d] that have codes of this scale [heads, 1, d], those whose first planes are read, and theirs.

    Where few planes are read they are less the keys' own mean, so that as many lie on either side of each middle.
    """
    if planes > len(PLANE_REACH):
        return codes(plain, scale), scale
    own = plain - plain.mean(1, keepdim=True)
    narrow = plane_scale(scale_of(own, (1,)), (own * own).mean(1, keepdim=True).sqrt(), planes)
    return codes(own, narrow), narrow


def centred(keys: Tensor, calibration: Tensor) -> Tensor:
    """Keys [heads, T, d] less the mean of the first `CALIBRATION` calibration keys [heads, N, d], float64.

    What is common to all keys adds one constant to all scores of a query, which the softmax does not see and INT8
    would waste its steps on. Differences to one key are taken first: they, and all that follows from them, are the
    same to the last bit whatever is added to every key, as long as the keys hold the sums exactly.
    """
    anchor = calibration[:, :1].double()
    mean = (calibration[:, :CALIBRATION].double() - anchor).mean(1, keepdim=True)
    return keys.double() - anchor - mean


def value_scales(values: Tensor) -> Tensor:
    """A scale for every token and head of values [heads, T, d]: largest magnitude / 127, [heads, T, 1].

    Rounded up to a bfloat16, 16 bits beside the token's codes, so that no code exceeds 127. A row that is too faint
    for float32 to hold its step, in a head that is not, has the least step; a row of zeros has 1.

    Raises:
        InputError: a head is as faint.
    """
    largest(values, (1, 2))
    top = values.float().abs().amax(2, keepdim=True)
    bits = (top.clip(min=LEAST) / KEY_MAX).view(torch.int32)
    return torch.where(top > 0, (bits + 0xFFFF & ~0xFFFF).view(torch.float32), torch.ones_like(top))


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
    """Symmetric INT8, a scale per head for keys, per token and head for values, per row and head for queries.

    Args:
        keys, values: float [heads, T, head_size]. queries: float [heads, R, head_size].
        calibration: keys of this layer [heads, N, head_size]; the mean of the first 512 is subtracted from all keys
            and centres the hyperplanes. The stream's own if left out.

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
    reference = keys if calibration is None else calibration
    centred_keys = centred(keys, reference)
    key_scale, value_scale, query_scale = scale_of(centred_keys, (1, 2)), value_scales(values), scale_of(queries, (2,))
    key_codes = codes(centred_keys, key_scale).transpose(0, 1).contiguous()
    query_codes = codes(queries, query_scale).transpose(0, 1).contiguous()
    calibrating = codes(centred(reference[:, :CALIBRATION], reference), key_scale)
    centre = project(calibrating.transpose(0, 1), spec).double().mean(0)
    return Quantised(
        keys=key_codes,
        values=codes(values, value_scale).transpose(0, 1).contiguous(),
        queries=query_codes,
        key_scale=key_scale.flatten().float(),
        value_scale=value_scale[:, :, 0].T.contiguous(),
        query_scale=query_scale[:, :, 0].T.contiguous(),
        offsets=centre.round().long(),
        shifts=bucket_shifts(query_codes, key_codes, spec),
    )
