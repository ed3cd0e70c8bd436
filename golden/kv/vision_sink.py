"""LiveVLM's vision-sink bucketing as the engine does it: scores as 16-bit codes, a bit for every token.

Three ranks decide alone whether a token is kept, each by falling score with ties to the earliest.
A rank in its bucket below `capacity`, or a rank among all tokens below `unconditional`, makes it
eligible; of the eligible tokens the best `budget` are kept. This is
`livevlm.vision_sink_bucketing`, stated without its loop.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from golden.errors import InputError
from golden.kv.livevlm import vision_sink_bucketing
from golden.kv.memory_image import MemoryImage, lines
from golden.kv.memory_map import HEADER, HEADER_BYTES, MODE_SINK, SINK_SCORE_BITS
from golden.kv.spec import Spec
from golden.rows import Bytes, pack


@dataclass(frozen=True, kw_only=True)
class SinkOptions:
    """Keep `budget` tokens from buckets of `capacity`, and the best `unconditional` whatever their bucket holds."""

    budget: int
    capacity: int = 1
    unconditional: int = 0


def sink_codes(scores: Tensor) -> Tensor:
    """Scores, not negative, as the bits of binary16 of score · length: larger codes are larger scores. [L]"""
    scaled = (scores * len(scores)).to(torch.float16)
    return scaled.view(torch.int16).long()


def vision_sink(codes: Tensor, options: SinkOptions) -> Tensor:
    """Which tokens are kept, bool [L]."""
    return vision_sink_bucketing(
        codes, budget=options.budget, capacity=options.capacity, unconditional=options.unconditional
    )


def build_sink_image(codes: Tensor, spec: Spec, options: SinkOptions) -> MemoryImage:
    """Lays out a job that compresses tokens by their scores.

    Raises:
        InputError: no tokens or more than fit, a budget of none or of more than there are, a capacity that the
            config does not have or that does not divide the budget, more unconditional tokens than the budget.
    """
    length = len(codes)
    if not 1 <= length <= spec.tokens:
        raise InputError(f"kv: 1 to {spec.tokens} tokens fit this config, there are {length}")
    if not 1 <= options.budget <= length:
        raise InputError(f"kv: the budget must lie in 1..{length}, the tokens there are, it is {options.budget}")
    if not 1 <= options.capacity <= spec.sink_capacity or options.budget % options.capacity:
        raise InputError(
            f"kv: the bucket capacity must lie in 1..{spec.sink_capacity} and divide the budget {options.budget}, "
            f"it is {options.capacity}"
        )
    if not 0 <= options.unconditional <= options.budget:
        raise InputError(f"kv: unconditional tokens must lie in 0..{options.budget}, they are {options.unconditional}")
    scores = codes.numpy().astype(f"<u{SINK_SCORE_BITS // 8}").view(np.uint8)
    result = lines(HEADER_BYTES) + lines(len(scores))
    header = {
        "token_count": length,
        "mode": MODE_SINK,
        "token_address": lines(HEADER_BYTES),
        "select_address": result,
        "sink_budget": options.budget,
        "sink_buckets": options.budget // options.capacity,
        "sink_capacity": options.capacity,
        "sink_unconditional": options.unconditional,
    }
    image = np.zeros(result, np.uint8)
    image[:HEADER_BYTES] = pack(HEADER, header, HEADER_BYTES).reshape(-1)
    image[lines(HEADER_BYTES) :][: len(scores)] = scores
    return MemoryImage(
        data=image,
        header_address=0,
        result_address=result,
        result_bytes=lines(-(-length // 8)),
        select_offset=0,
        gather_offset=0,
        parts={"header": 0, "scores": lines(HEADER_BYTES), "kept": result},
    )


def read_results(raw: Bytes, length: int) -> dict[str, Bytes]:
    """What the engine wrote, by name: `vision_sink`, 1 for every token that is kept, [L]."""
    return {"vision_sink": np.unpackbits(raw[: -(-length // 8)], bitorder="little")[:length]}


def expected_results(keep: Tensor) -> dict[str, Bytes]:
    """The same of the model, or of another choice."""
    return {"vision_sink": keep.numpy().astype(np.uint8)}
