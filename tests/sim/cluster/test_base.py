"""The cluster finds its program at the address that comes with `start`."""

from __future__ import annotations

from golden.cluster.fused_decode import fused_decode
from golden.cluster.head import share
from golden.cluster.heads import random_head
from golden.cluster.memory_image import MemoryImage
from hw.cluster.config import tiny
from hw.cluster.top import COUNTERS
from sim.cluster.player import SOURCE, ClusterPlayer
from tests.sim.placement import same_anywhere


def test_a_decode_step_anywhere_in_memory(seed: int) -> None:
    """Commands, weights, cache, and what nodes exchange through memory move along."""
    config = tiny()
    shared = share(*random_head(32, 128, 20, seed), config.spec)

    def image_at(base: int) -> MemoryImage:
        return fused_decode(shared, unfused=True, trace=True, base=base)[1]

    same_anywhere(
        lambda: ClusterPlayer(config=config), "cluster", config, image_at, COUNTERS,
        step=config.spec.external_bytes, seed=seed, sources=[SOURCE],
    )  # fmt: skip
