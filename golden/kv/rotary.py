"""Where the keys of a whole stream will lie, by its first: the rotary embedding goes on turning them.

A pair of channels turns by an angle a token. Pairs that turn within the first tokens show their range there; those
that need thousands of tokens for a turn show a short arc of it, and leave any scale that was taken from the arc. What
a model computes before the embedding has no such drift. So the first keys are turned back to position 0, and from
there to positions all over the stream: the centre is the mean of what that gives, and the reach its largest distance
from the centre.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from golden.kv.quantise import largest

#: A rotary embedding: vectors [..., N, d] at positions [N], which may be negative and then turn back.
Turn = Callable[[Tensor, Tensor], Tensor]
PLACES = 129  # positions that are looked at, from the first of a stream to its last


def still(keys: Tensor, positions: Tensor) -> Tensor:
    """No embedding, or one that is not known."""
    return keys


def reached(keys: Tensor, turn: Turn, tokens: int) -> tuple[Tensor, Tensor]:
    """Centre and reach of the channels of a stream of so many tokens, by its first keys [heads, N, d]; [heads, 1, d].

    Differences to one key are taken first where nothing turns: they do not change with what is added to every key.

    Raises:
        InputError: a reach is too small for float32 to hold a step of it.
    """
    if turn is still:
        anchor = keys[:, :1].double()
        centre = anchor + (keys.double() - anchor).mean(1, keepdim=True)
        return centre, largest((keys.double() - centre).float(), (1,)).double()
    unturned = turn(keys, -torch.arange(keys.shape[1]))
    places = torch.linspace(0, tokens - 1, PLACES).round()

    def at(place: Tensor) -> Tensor:
        return turn(unturned, place.expand(keys.shape[1]))

    centre = sum((at(place).double().mean(1, keepdim=True) for place in places), torch.zeros(())) / PLACES
    reach = torch.stack([largest((at(place).double() - centre).float(), (1,)) for place in places]).amax(0)
    return centre, reach.double()
