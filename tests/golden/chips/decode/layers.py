"""Layers whose queries look for some of the tokens, as those of a language model do."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from golden.chips.decode.layer import Layer
from golden.chips.decode.reference import queries_of
from golden.chips.decode.spec import Spec, for_layer
from golden.cluster.head import Calibration
from golden.cluster.heads import grouped_head
from golden.cluster.spec import TINY

HEADS, GROUP, SIZE, HIDDEN = 2, 2, 32, 72


def spec_of(tokens: int = 256, *, size: int = SIZE) -> Spec:
    """Four nodes of 64-bit links: a memory word of 32 bytes holds a key of 32."""
    return for_layer(TINY, heads=HEADS, head_size=size, group=GROUP, tokens=tokens)


def layer(tokens: int, seed: int, *, wanted: int = 0, size: int = SIZE) -> Layer:
    """Random heads; of each, `wanted` tokens are what a query asks for, with an offset that all keys share."""
    drawn = [grouped_head(GROUP, size, HIDDEN, tokens, seed + 100 * k) for k in range(HEADS)]
    hidden = drawn[0][0]
    generator = torch.Generator().manual_seed(seed)
    heads = []
    for _, head in drawn:
        keys = head.keys + 3 * torch.randn(size, generator=generator)
        for row in range(wanted):
            keys[_place(tokens, wanted, row)] += 2 * queries_of(hidden, head)[row % GROUP]
        heads.append(replace(head, keys=keys))
    return Layer(hidden=hidden, heads=tuple(heads), calibrations=(Calibration(),) * HEADS)


def _place(tokens: int, wanted: int, row: int) -> int:
    return (2 * row + 1) * tokens // (2 * wanted)


def relative(got: Tensor, wanted: Tensor) -> float:
    """Root mean square of the difference over that of what is wanted."""
    return float((got - wanted).norm() / wanted.norm())
