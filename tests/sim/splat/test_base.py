"""The splatting engine finds its frame at the address that comes with `start`."""

from __future__ import annotations

from golden.splat.frame import build_frame
from golden.splat.memory_image import build_memory_image
from golden.splat.memory_map import LINE_BYTES
from golden.splat.scene_image import build_scene_image
from hw.splat.config import tiny
from hw.splat.counters import COUNTERS
from hw.splat.top import SplatEngine
from tests.golden.splat.scenes import camera_at, random_scene
from tests.sim.placement import same_anywhere


def test_a_frame_anywhere_in_memory(seed: int) -> None:
    config = tiny()
    image = build_scene_image(random_scene(seed, 100, degree=1, thinnest=0.01, widest=0.1), config.spec)
    frame = build_frame(image, camera_at(size=(32, 32), focal=27.0), config.spec)
    same_anywhere(
        lambda: SplatEngine(config=config), "splat", config,
        lambda base: build_memory_image(image, frame, config.spec, base=base), COUNTERS,
        step=LINE_BYTES, seed=seed,
    )  # fmt: skip
