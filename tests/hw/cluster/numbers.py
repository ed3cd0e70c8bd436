"""Numbers and flits that the tests of the blocks draw and take apart."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import torch

from golden import floats
from golden.cluster.spec import Spec


def code(value: float) -> int:
    """A number as a single."""
    return int(floats.to_codes(torch.tensor([value])))


def single(rng: random.Random, spread: float = 5.0) -> int:
    """A number around 0, as a single."""
    return code(rng.gauss(0, spread))


def flits_of(raw: np.ndarray, spec: Spec) -> list[int]:
    """Bytes as flits, the first byte lowest."""
    return [int.from_bytes(row.tobytes(), "little") for row in raw.reshape(-1, spec.flit_bytes)]


def joined(fields: Sequence[int], width: int) -> int:
    """Fields of `width` bits as one number, the first lowest; negative ones in two's complement."""
    return sum((field & ((1 << width) - 1)) << (width * k) for k, field in enumerate(fields))


def parted(bits: int, width: int, count: int) -> list[int]:
    """The inverse of `joined`, as unsigned numbers."""
    return [bits >> (width * k) & ((1 << width) - 1) for k in range(count)]
