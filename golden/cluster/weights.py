"""Quantised weights of a projection, and how they lie in the stream that a node reads.

INT8: a row's codes with one scale a row. INT4 (two levels, after LiquidGEMM's LiquidQuant, arXiv
2509.01229, section 4): the row's 8-bit codes once more in groups of 64, code4·step + offset, which is
an 8-bit code again: integers only, and nothing that could overflow.

A stream is a sequence of row blocks, one block a flit of results (L = link_width / 32 rows):

    [L row scales, single][INT4: (step, offset) of every group, row by row][row 0] … [row L-1]
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from golden.cluster.spec import GROUP, Spec
from golden.errors import InputError

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
LIMIT = 127  # of an 8-bit code


@dataclass(frozen=True, kw_only=True)
class Weights:
    """Codes [rows, inputs] (8 bits signed, or 4 bits unsigned), scales [rows]; INT4: steps, offsets [rows, groups]."""

    codes: Ints
    scales: npt.NDArray[np.float32]
    steps: Ints | None = None
    offsets: Ints | None = None

    @property
    def wide(self) -> Ints:
        """The 8-bit codes that are multiplied, [rows, inputs]."""
        if self.steps is None or self.offsets is None:
            return self.codes
        return dequantise(self.codes, np.repeat(self.steps, GROUP, 1), np.repeat(self.offsets, GROUP, 1))


def dequantise(codes: Ints, steps: Ints, offsets: Ints) -> Ints:
    """code·step + offset as 8 bits, two's complement; wraps. The RTL's `dequantise` is the twin."""
    return ((codes * steps + offsets + 128) & 255) - 128


def quantise(weights: npt.NDArray[np.floating], spec: Spec) -> Weights:
    """Rows of numbers [rows, inputs] as codes: scale = max|row| / 127, nearest code; INT4 as above.

    Raises:
        InputError: a weight is not finite, or the inputs are no whole number of flits (INT4: groups).
    """
    inputs = weights.shape[1]
    unit = GROUP if spec.weight_bits == 4 else spec.flit_bytes
    if inputs % unit or not inputs:
        raise InputError(f"decode: a row of weights must be a multiple of {unit} inputs, it has {inputs}")
    if not np.isfinite(weights).all():
        raise InputError("decode: weights must be finite")
    largest = np.abs(weights).max(1)
    scales = np.where(largest > 0, largest / LIMIT, 1).astype(np.float32)
    codes = np.clip(np.rint(weights / scales[:, None]), -LIMIT, LIMIT).astype(np.int64)
    if spec.weight_bits == 8:
        return Weights(codes=codes, scales=scales)
    groups = codes.reshape(len(codes), -1, GROUP)
    low, high = groups.min(2), groups.max(2)
    steps = np.maximum(-((low - high) // 15), 1)
    top = np.minimum((LIMIT - low) // steps, 15)  # a larger code would leave 8 bits
    small = np.minimum((groups - low[:, :, None] + steps[:, :, None] // 2) // steps[:, :, None], top[:, :, None])
    return Weights(codes=small.reshape(codes.shape), scales=scales, steps=steps, offsets=low)


def group_flits(inputs: int, spec: Spec) -> int:
    """Flits of a row block's steps and offsets, two bytes a group."""
    if spec.weight_bits == 8:
        return 0
    return -(-2 * spec.lanes * (inputs // GROUP) // spec.flit_bytes)


def row_flits(inputs: int, spec: Spec) -> int:
    """Flits of a row's codes."""
    return inputs * spec.weight_bits // spec.link_width


def block_flits(inputs: int, spec: Spec) -> int:
    """Flits of a row block."""
    return 1 + group_flits(inputs, spec) + spec.lanes * row_flits(inputs, spec)


def pack_weights(weights: Weights, spec: Spec) -> Bytes:
    """The stream of one node: [flits, bytes of a flit].

    Raises:
        InputError: the rows are no whole number of row blocks.
    """
    rows, inputs = weights.codes.shape
    if rows % spec.lanes:
        raise InputError(f"decode: a node's rows must be a multiple of {spec.lanes} (words of a flit), they are {rows}")
    blocks = rows // spec.lanes
    parts: list[Bytes] = [weights.scales.reshape(blocks, spec.lanes).view(np.uint8)]
    if weights.steps is not None and weights.offsets is not None:
        pairs = np.stack([weights.steps, weights.offsets & 255], -1).astype(np.uint8).reshape(blocks, -1)
        spare = group_flits(inputs, spec) * spec.flit_bytes - pairs.shape[1]
        parts.append(np.pad(pairs, ((0, 0), (0, spare))))
        codes = weights.codes.astype(np.uint8).reshape(blocks, -1, 2)
        parts.append((codes[:, :, 0] | codes[:, :, 1] << 4).astype(np.uint8))
    else:
        parts.append(weights.codes.astype(np.int8).view(np.uint8).reshape(blocks, -1))
    return np.concatenate(parts, axis=1).reshape(-1, spec.flit_bytes)


def unpack_weights(stream: Bytes, blocks: int, inputs: int, spec: Spec) -> Weights:
    """The inverse of `pack_weights`."""
    raw = stream.reshape(blocks, -1)
    scales = np.ascontiguousarray(raw[:, : spec.flit_bytes]).view(np.float32).reshape(-1)
    start = spec.flit_bytes * (1 + group_flits(inputs, spec))
    rows = raw[:, start:].reshape(blocks * spec.lanes, -1)
    if spec.weight_bits == 8:
        return Weights(codes=rows.view(np.int8).astype(np.int64), scales=scales)
    groups = inputs // GROUP
    pairs = raw[:, spec.flit_bytes : spec.flit_bytes + 2 * spec.lanes * groups].reshape(-1, groups, 2)
    codes = np.stack([rows & 15, rows >> 4], -1).reshape(len(rows), inputs).astype(np.int64)
    offsets = np.ascontiguousarray(pairs[:, :, 1]).view(np.int8).astype(np.int64)
    return Weights(codes=codes, scales=scales, steps=pairs[:, :, 0].astype(np.int64), offsets=offsets)
