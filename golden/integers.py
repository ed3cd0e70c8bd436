"""Operations on int64 tensors that blocks of every engine share, exact to the last bit."""

from __future__ import annotations

import torch
from torch import Tensor

from golden.tables import LinearTable, StepTable


def bit_length(value: Tensor) -> Tensor:
    """Bits that a non-negative integer takes, 0 for 0. Exact below 2**53."""
    return torch.frexp(value.double())[1].long()


def normalise(value: Tensor, width: int, bits: int) -> tuple[Tensor, Tensor]:
    """A `width`-bit word shifted left by its leading zeros and cut to its top `bits` bits; and those zeros."""
    zeros = width - bit_length(value.clip(1))
    return (value << zeros) >> (width - bits), zeros


def shift_half_up(value: Tensor, shift: Tensor) -> Tensor:
    """value / 2**shift, rounded half up, with a shift for every value: 1 to 62."""
    return (value + (1 << (shift - 1))) >> shift


def look_up(table: LinearTable, code: Tensor) -> Tensor:
    """The table's value for every code, interpolated."""
    index = table.segment(code)
    base, slope = (torch.tensor(values, device=code.device)[index] for values in (table.base, table.slope))
    return table.interpolate(base, slope, code)


def step_look_up(table: StepTable, code: Tensor) -> Tensor:
    """The table's value for every code."""
    return torch.tensor(table.values)[code]
