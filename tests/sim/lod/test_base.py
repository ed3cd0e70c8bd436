"""The LoD search core finds its job at the address that comes with `start`."""

from __future__ import annotations

from golden.lod.memory_image import build_memory_image
from golden.lod.memory_map import LINE_BYTES
from golden.lod.view import make_path
from hw.lod.config import tiny
from hw.lod.top import COUNTERS, LodEngine
from tests.golden.lod.trees import cameras, small_image
from tests.sim.placement import same_anywhere


def test_a_path_anywhere_in_memory(seed: int) -> None:
    """Views, blocks, the queue's overflow, the state table and the results move along."""
    config = tiny()
    image = small_image(config.spec)
    path = make_path(image, cameras("orbit", 3), 4.0)
    same_anywhere(
        lambda: LodEngine(config=config), "lod", config,
        lambda base: build_memory_image(image, path, word_bytes=config.word_bytes, temporal=True, base=base),
        COUNTERS, step=LINE_BYTES, seed=seed,
    )  # fmt: skip
