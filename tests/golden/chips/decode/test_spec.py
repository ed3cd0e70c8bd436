"""Specs and options that the composition does not have, each refused in one line."""

from __future__ import annotations

from dataclasses import replace

import pytest

from golden.chips.decode.layer import Layer, share_layer
from golden.chips.decode.spec import Spec, for_layer
from golden.cluster.spec import PAPER, TINY
from golden.errors import InputError
from golden.kv.scan import ScanOptions
from tests.golden.chips.decode.layers import layer, spec_of

OPTIONS = ScanOptions(budget=9, sink_tokens=1, window=2, planes=3)


def test_engines_that_do_not_fit() -> None:
    fits = spec_of()
    with pytest.raises(InputError, match="need decode units: set compute=1, it is 0"):
        replace(fits, cluster=replace(TINY, compute=0))
    with pytest.raises(InputError, match="a flit for every node are 16 B, the scan's word has 32"):
        Spec(cluster=replace(TINY, nodes=2), kv=fits.kv)
    with pytest.raises(InputError, match="multiple of the memory's word of 32 B, it is 48"):
        for_layer(TINY, heads=2, head_size=48, group=2, tokens=64)
    with pytest.raises(InputError, match="at most 64 B, the one of 4 nodes with links of 256 bits has 128"):
        for_layer(PAPER, heads=2, head_size=128, group=2, tokens=64)
    with pytest.raises(InputError, match=r"group must lie in 1\.\.8, it is 9"):
        for_layer(TINY, heads=2, head_size=32, group=9, tokens=64)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"planes": 8}, "reads 1 to 7 planes, as an exact one fetches values alone, they are 8"),
        ({"mass_code": 512}, "selected by a budget, top-p does not say how many"),
        ({"budget": 0, "sink_tokens": 0, "window": 0}, "must hold a token"),
    ],
)
def test_options_that_are_refused(change: dict[str, int], message: str, seed: int) -> None:
    with pytest.raises(InputError, match=message):
        share_layer(layer(20, seed), spec_of(), replace(OPTIONS, **change))


def test_layers_that_are_refused(seed: int) -> None:
    """More tokens than the scan has places for, and another number of heads."""
    with pytest.raises(InputError, match="takes 1 to 64 tokens, there are 65"):
        share_layer(layer(65, seed), spec_of(64), OPTIONS)
    whole = layer(20, seed)
    alone = Layer(hidden=whole.hidden, heads=whole.heads[:1], calibrations=whole.calibrations[:1])
    with pytest.raises(InputError, match="has 2 heads of 2 queries, the layer 1 of 2"):
        share_layer(alone, spec_of(), OPTIONS)
