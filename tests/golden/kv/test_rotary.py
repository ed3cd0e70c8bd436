"""Centre and reach of a stream's keys by its first ones, against keys at every position."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import Tensor

from golden.errors import InputError
from golden.kv.decoder import Layer, channel_codes, head_codes
from golden.kv.rotary import reached, still
from golden.llm.llama import Shape, rotate

SHAPE = Shape(
    layers=1, hidden=32, heads=2, key_heads=2, head_size=16, feed_forward=1, vocabulary=1, context=2000,
    rotary_base=20000.0, epsilon=0.0,
)  # fmt: skip
TOKENS, FIRST = 2000, 60
turn = partial(rotate, shape=SHAPE)


def unturned(seed: int) -> Tensor:
    """Keys before the embedding, around a mean that is far from 0."""
    g = torch.Generator().manual_seed(seed)
    return 5 + torch.rand(2, TOKENS, 16, generator=g)


def test_what_the_first_keys_reach_later(seed: int) -> None:
    """At each position of the stream; within what 129 of them and 60 keys show."""
    first = unturned(seed)[:, :FIRST]
    found = reached(turn(first, torch.arange(FIRST)), turn, TOKENS)
    centre, reach = found.centre, found.reach
    places = [turn(first, torch.full((FIRST,), place)) for place in range(TOKENS)]
    assert torch.allclose(torch.stack(places).mean((0, 2))[:, None], centre.float(), atol=0.6)
    distance = torch.stack([(keys - centre).abs().amax(1, keepdim=True) for keys in places]).amax(0)
    assert (distance >= reach * 0.999).all()
    assert (distance <= reach * 1.06).all()
    square = torch.stack([((keys - centre) ** 2).mean(1, keepdim=True) for keys in places]).mean(0)
    torch.testing.assert_close(found.spread, square.sqrt(), rtol=0.1, atol=0)


def test_no_code_is_clipped_late(seed: int) -> None:
    """Where scales that know nothing of the embedding clip a twentieth of all elements and more."""
    keys = turn(unturned(seed), torch.arange(TOKENS))
    clipped = {}
    for name, embedding in (("known", turn), ("unknown", still)):
        layer = Layer(queries=torch.zeros(2, 1, TOKENS - FIRST, 16), keys=keys, scale=1.0, turn=embedding)
        found, _ = channel_codes(layer)
        clipped[name] = float((found.codes.abs() == 127).float().mean())
        error = (found.read + reached(layer.calibration, embedding, TOKENS).centre - keys).abs().max()
        assert (error < found.scale.max()) == (name == "known")
        assert torch.equal(head_codes(layer).scale, found.scale.amax(2, keepdim=True))
    assert clipped["known"] == 0
    assert clipped["unknown"] > 0.05


def test_nothing_known_is_the_first_keys_own_range(seed: int) -> None:
    """And what is added to all keys changes neither reach nor spread."""
    keys = unturned(seed)[:, :FIRST].double()
    found = reached(keys, still, TOKENS)
    torch.testing.assert_close(found.centre, keys.mean(1, keepdim=True))
    torch.testing.assert_close(found.reach, (keys - found.centre).abs().amax(1, keepdim=True), rtol=1e-6, atol=0)
    moved = reached(keys + 4096, still, TOKENS)
    torch.testing.assert_close(moved.reach, found.reach)
    torch.testing.assert_close(moved.spread, found.spread)
    torch.testing.assert_close(moved.centre, found.centre + 4096)


def test_too_faint() -> None:
    with pytest.raises(InputError, match="values that share a scale must be 0 or reach"):
        reached(torch.tensor([[[1e-40] * 16, [0.0] * 16]]), still, 9)
