"""A cached frame by the composed RTL or its model, and the least cycles that it can take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from zlib import crc32

from golden.chips.lumina.memory_image import (
    LuminaImage,
    build_memory_image,
    expected_results,
    read_results,
    saved_caches,
)
from golden.rows import Bytes
from hw.chips.lumina.config import Config, default
from hw.chips.lumina.counters import counters_of
from hw.chips.lumina.top import LuminaChip
from sim.kernel.jobs import JobResult, MemorySettings
from sim.kernel.roofline import Roofline
from sim.kernel.run import Operation, Run, run_operation
from sim.splat import run as splat
from sim.splat.workload import SplatWorkload

if TYPE_CHECKING:  # torch is slow to import, and not needed to run RTL
    from golden.chips.lumina.model import LuminaResult
    from golden.radiance.cache import RegionCache


@dataclass(frozen=True, kw_only=True)
class LuminaWorkload:
    """A frame of a sequence, and what the frame before has left: as bytes for RTL, and as the model knows it."""

    config: Config
    frame: SplatWorkload
    saved: Sequence[Bytes] | None  #: by region; None: all caches begin empty
    caches: RegionCache | None  #: the model's
    memory: LuminaImage

    def info(self) -> dict[str, Any]:
        """What identifies it in reports."""
        return self.frame.info()


def prepare(
    frame: SplatWorkload, config: Config, saved: Sequence[Bytes] | None = None, caches: RegionCache | None = None
) -> LuminaWorkload:
    """Lays a frame, made for the chip's engine, out behind the caches that the one before has left.

    Raises:
        InputError: not one saved cache for each region.
    """
    assert frame.config == config.splat
    memory = build_memory_image(
        frame.image, frame.frame, config.spec, saved, identity=identity_of(config, frame),
        listed=frame.why_host is not None or frame.host_seconds > 0, packed=frame.packed,
    )  # fmt: skip
    return LuminaWorkload(config=config, frame=frame, saved=saved, caches=caches, memory=memory)


def identity_of(config: Config, frame: SplatWorkload) -> int:
    """What saved caches carry: they are of these rules and this scene."""
    return crc32(f"{config.spec} {frame.scene.name} {len(frame.scene)}".encode())


def _model(workload: LuminaWorkload) -> LuminaResult:
    from golden.chips.lumina.model import render

    return render(workload.frame.image, workload.frame.frame, workload.config.spec, workload.caches)


def roofline(workload: LuminaWorkload, job: JobResult, memory: MemorySettings) -> Roofline:
    """That of the splatting engine, and the cache's stages beside it.

    Look-ups: a question a cycle. Regions: a row of a sub-tile a cycle to fill, and a set a cycle to save; one region's
    sets are restored beside that. Memory: all words.
    """
    config, counters = workload.config, job.counters
    drawn = splat.roofline(workload.frame, job, memory)
    cache, words = config.spec.radiance, sum(n for name, n in counters.items() if name.endswith("_words"))
    memory_cycles = words / memory.words_a_cycle(config.word_bytes)
    return Roofline(
        cycles=counters["cycles"],
        useful=drawn.useful,
        stages={
            **drawn.stages,
            "memory": max(drawn.stages["memory"], memory_cycles),
            "look-ups": float(counters["look_ups"]),
            "regions": float(counters["regions"] * (cache.pixels // config.spec.splat.subtile + cache.sets)),
        },
    )


#: One frame; axes as of the engines' own results.
DRAW_CACHED = Operation[LuminaWorkload](
    engine="lumina",
    top=lambda workload: LuminaChip(config=workload.config),
    counters=counters_of(default()),
    read=lambda workload, job: read_results(job.data, workload.memory, workload.frame.frame, workload.config.spec),
    model=_model,
    expected=lambda workload, model: expected_results(model, workload.memory, workload.config.spec),
    reference=lambda workload: splat.DRAW.reference(workload.frame),
    roofline=roofline,
    axes={
        "framebuffer": ("y", "x", tuple("rgba")), "header": ("region", "field"), "valid": ("region", "set", "way"),
        "tag": ("region", "set", "way", "word"), "cached": ("region", "set", "way", "channel"),
        "recent": ("region", "set"),
    },
)  # fmt: skip


def run(workload: LuminaWorkload, **settings: Any) -> Run:
    """A frame with `backend=`, `memory=`, `check=` and more as `run_operation` takes them."""
    return run_operation(replace(DRAW_CACHED, counters=counters_of(workload.config)), workload, **settings)


def left_behind(drawn: Run) -> list[Bytes]:
    """The saved caches that the RTL's run has left, by region."""
    assert drawn.job is not None
    workload: LuminaWorkload = drawn.workload
    return saved_caches(drawn.job.data, workload.memory, workload.config.spec)
