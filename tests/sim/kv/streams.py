"""Streams of random keys."""

from __future__ import annotations

from golden.kv.quantise import Quantised
from golden.kv.spec import Spec
from sim.kv.streams import Stream
from tests.golden.kv.streams import clustered


def stream_of(data: Quantised) -> Stream:
    """A stream that is quantised to the codes of `data`: their largest is 127, so the scales are 1."""
    keys, values, queries = (codes.float().transpose(0, 1) for codes in (data.keys, data.values, data.queries))
    return Stream(
        name="clustered", keys=keys, values=values, queries=queries, scale=keys.shape[2] ** -0.5, calibration=keys
    )


def clustered_stream(spec: Spec, tokens: int, queries: int, *, seed: int, anchors: int = 20) -> Stream:
    """Keys around a few anchors."""
    return stream_of(clustered(spec, tokens, queries, seed=seed, anchors=anchors))
