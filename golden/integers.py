"""Operations on int64 tensors that blocks of every engine share, exact to the last bit."""

from __future__ import annotations

import torch
from torch import Tensor

from golden.tables import LinearTable, StepTable


def bit_length(value: Tensor) -> Tensor:
    """Position of the highest set bit plus one; 0 for 0. Exact for 0 <= value < 2**53."""
    return torch.frexp(value.double())[1].long()


def normalise(value: Tensor, width: int, bits: int) -> tuple[Tensor, Tensor]:
    """Shifts a `width`-bit word left by its leading zeros and keeps the top `bits` bits; also the zeros."""
    zeros = width - bit_length(value.clip(1))
    return (value << zeros) >> (width - bits), zeros


def shift_half_up(value: Tensor, shift: Tensor) -> Tensor:
    """value / 2**shift, each with a shift of its own, rounded half up. 0 < shift < 63."""
    return (value + (1 << (shift - 1))) >> shift


def look_up(table: LinearTable, code: Tensor) -> Tensor:
    """The table's straight pieces at every code."""
    index = table.segment(code)
    return table.interpolate(torch.tensor(table.base)[index], torch.tensor(table.slope)[index], code)


def step_look_up(table: StepTable, code: Tensor) -> Tensor:
    """The table's steps at every code."""
    return torch.tensor(table.values)[code]
