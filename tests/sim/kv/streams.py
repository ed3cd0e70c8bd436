"""Streams of random keys."""

from __future__ import annotations

from golden.kv.spec import Spec
from sim.kv.streams import Stream
from tests.golden.kv.streams import clustered_floats


def clustered_stream(spec: Spec, tokens: int, queries: int, *, seed: int, anchors: int = 20) -> Stream:
    """Keys around a few anchors; `clustered` has its codes."""
    keys, values, queries_ = clustered_floats(spec, tokens, queries, seed=seed, anchors=anchors)
    return Stream(
        name="clustered", keys=keys, values=values, queries=queries_, scale=spec.head_size**-0.5, calibration=keys
    )
