"""Everything that changes the composition's speed and area, beside its specification."""

from __future__ import annotations

from dataclasses import dataclass

from golden.chips.decode.spec import Spec, for_layer
from hw.cluster import config as cluster
from hw.kv import config as kv


@dataclass(frozen=True, kw_only=True)
class Config:
    """The configs of both engines, whose specs must fit each other."""

    cluster: cluster.Config
    kv: kv.Config

    def __post_init__(self) -> None:
        _ = self.spec  # refuses what does not fit

    @property
    def spec(self) -> Spec:
        return Spec(cluster=self.cluster.spec, kv=self.kv.spec)

    @property
    def word_bytes(self) -> int:
        """Of external memory."""
        return self.cluster.word_bytes

    @property
    def memory_width(self) -> int:
        """Bits of a memory word."""
        return 8 * self.word_bytes


def for_heads(nodes: cluster.Config, *, heads: int, head_size: int, group: int, tokens: int) -> Config:
    """The nodes' config with a retrieval engine for a layer's heads, which looks ahead as far as `default` does.

    Raises:
        InputError: an engine cannot be built for them, or they do not fit each other.
    """
    spec = for_layer(nodes.spec, heads=heads, head_size=head_size, group=group, tokens=tokens)
    return Config(cluster=nodes, kv=kv.Config(spec=spec.kv, compare_width=2, recent_words=4 * spec.kv.token_words))


def tiny() -> Config:
    """Two heads of 32 with two queries each on four nodes, 256-bit memory: unit tests, synthesis."""
    return for_heads(cluster.tiny(), heads=2, head_size=32, group=2, tokens=256)


def default() -> Config:
    """SmolLM2's three heads of 64 with three queries each on four nodes, 512-bit memory, 8,192 tokens."""
    return for_heads(cluster.default(), heads=3, head_size=64, group=3, tokens=8192)


CONFIGS = {"tiny": tiny, "default": default}
