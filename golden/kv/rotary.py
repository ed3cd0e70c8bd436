"""Where the keys of a whole stream will lie, by its first: the rotary embedding goes on turning them.

A pair of channels turns by an angle a token. Pairs that turn within the first tokens show their range there; those
that need thousands of tokens for a turn show a short arc of it, and leave any scale that was taken from the arc. What
a model computes before the embedding has no such drift. So the first keys are turned back to position 0, and from
there to positions all over the stream: the centre is the mean of what that gives, and the reach its largest distance
from the centre.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from golden.kv.quantise import largest

#: A rotary embedding: vectors [..., N, d] at positions [N], which may be negative and then turn back.
Turn = Callable[[Tensor, Tensor], Tensor]
PLACES = 129  # positions that are looked at, from the first of a stream to its last


def still(keys: Tensor, positions: Tensor) -> Tensor:
    """No embedding, or one that is not known."""
    return keys


@dataclass(frozen=True, kw_only=True)
class Range:
    """Of each channel, [heads, 1, d] in float64."""

    centre: Tensor
    reach: Tensor  #: the largest distance from the centre
    spread: Tensor  #: the root mean square of the distance


def reached(keys: Tensor, turn: Turn, tokens: int) -> Range:
    """What the channels of a stream of so many tokens will take, by its first keys [heads, N, d].

    Raises:
        InputError: a reach is too small for float32 to hold a step of it.
    """
    if turn is still:
        parts = [keys.double()]
    else:
        unturned = turn(keys, -torch.arange(keys.shape[1]))
        places = torch.linspace(0, tokens - 1, PLACES).round()
        parts = [turn(unturned, place.expand(keys.shape[1])).double() for place in places]
    centre = torch.stack([part.mean(1, keepdim=True) for part in parts]).mean(0)
    distances = [part - centre for part in parts]
    return Range(
        centre=centre,
        reach=torch.stack([largest(d.float(), (1,)) for d in distances]).amax(0).double(),
        spread=torch.stack([(d * d).mean(1, keepdim=True) for d in distances]).mean(0).sqrt(),
    )
