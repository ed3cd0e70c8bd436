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
    centre, reach = reached(turn(first, torch.arange(FIRST)), turn, TOKENS)
    places = [turn(first, torch.full((FIRST,), place)) for place in range(TOKENS)]
    assert torch.allclose(torch.stack(places).mean((0, 2))[:, None], centre.float(), atol=0.6)
    distance = torch.stack([(keys - centre).abs().amax(1, keepdim=True) for keys in places]).amax(0)
    assert (distance >= reach * 0.999).all()
    assert (distance <= reach * 1.06).all()


def test_no_code_is_clipped_late(seed: int) -> None:
    """Where scales that know nothing of the embedding clip a twentieth of all elements and more."""
    keys = turn(unturned(seed), torch.arange(TOKENS))
    clipped = {}
    for name, embedding in (("known", turn), ("unknown", still)):
        layer = Layer(queries=torch.zeros(2, 1, TOKENS - FIRST, 16), keys=keys, scale=1.0, turn=embedding)
        codes, scales = channel_codes(layer)
        clipped[name] = float((codes.abs() == 127).float().mean())
        error = (codes * scales + reached(layer.calibration, embedding, TOKENS)[0] - keys).abs().max()
        assert (error < scales.max()) == (name == "known")
        head, scale = head_codes(layer)
        assert scale.shape == (2, 1, 1)
        assert torch.equal(scale, scales.amax(2, keepdim=True))
        assert head.shape == codes.shape
    assert clipped["known"] == 0
    assert clipped["unknown"] > 0.05


def test_nothing_known_is_the_first_keys_own_range(seed: int) -> None:
    """And what is added to all keys changes neither reach nor distance from the centre."""
    keys = unturned(seed)[:, :FIRST].double()
    centre, reach = reached(keys, still, TOKENS)
    torch.testing.assert_close(centre, keys.mean(1, keepdim=True))
    torch.testing.assert_close(reach, (keys - centre).abs().amax(1, keepdim=True), rtol=1e-6, atol=0)
    moved, same = reached(keys + 4096, still, TOKENS)
    assert torch.equal(reach, same)
    torch.testing.assert_close(moved, centre + 4096)


def test_too_faint() -> None:
    with pytest.raises(InputError, match="values that share a scale must be 0 or reach"):
        reached(torch.tensor([[[1e-40] * 16, [0.0] * 16]]), still, 9)
