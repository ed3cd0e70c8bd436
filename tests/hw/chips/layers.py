"""Small layers for the composition, and its smallest config."""

from __future__ import annotations

import torch

from golden.chips.decode.layer import Layer
from golden.cluster.head import Calibration
from golden.cluster.heads import grouped_head
from golden.cluster.spec import Spec
from hw.chips.decode.config import Config, for_heads
from hw.cluster.config import Config as Nodes

#: Two nodes, a memory word of 16 bytes, two heads of 16 with two queries each: quick to simulate.
SMALL = for_heads(
    Nodes(spec=Spec(nodes=2, link_width=64, memory_kib=4, inputs=256), operand_depth=8, command_depth=2, read_words=32),
    heads=2, head_size=16, group=2, tokens=64,
)  # fmt: skip


def small_layer(config: Config, *, hidden: int, tokens: int, seed: int) -> Layer:
    """Random heads on one hidden vector."""
    spec = config.spec.kv
    drawn = [grouped_head(spec.group, spec.head_size, hidden, tokens, seed + 100 * k) for k in range(spec.heads)]
    return Layer(hidden=drawn[0][0], heads=tuple(head for _, head in drawn), calibrations=(Calibration(),) * len(drawn))


def random_codes(shape: tuple[int, ...], seed: int) -> torch.Tensor:
    """INT8 codes of either sign, int64."""
    return torch.randint(-127, 128, shape, generator=torch.Generator().manual_seed(seed))
