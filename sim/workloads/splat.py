"""A frame for the splatting engine: scene, camera and config to a memory image and back to pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from golden.scenes import Camera, Scene
from golden.splat.frame import Frame, build_frame
from golden.splat.memory_image import Bytes, MemoryImage, build_memory_image, read_frame
from golden.splat.scene_image import SceneImage, build_scene_image
from hw.splat.config import Config
from hw.splat.top import COUNTERS, SplatEngine
from sim.jobs import JobResult, MemorySettings, run_job
from sim.roofline import Roofline


@dataclass(frozen=True, kw_only=True)
class SplatWorkload:
    """One view, quantised for `config`."""

    config: Config
    image: SceneImage
    frame: Frame
    memory: MemoryImage


@dataclass(frozen=True, kw_only=True)
class RtlFrame:
    """What the engine drew: uint8 [H, W, 4] red, green, blue, coverage."""

    pixels: Bytes
    job: JobResult


def prepare(
    scene: Scene, camera: Camera, config: Config, *, near: float = 0.2, edge: float | None = None
) -> SplatWorkload:
    """Quantises the scene, the camera and the lists, and lays them out in memory."""
    image = build_scene_image(scene, config.spec, edge=edge)
    frame = build_frame(image, camera, config.spec, near=near)
    return SplatWorkload(config=config, image=image, frame=frame, memory=build_memory_image(image, frame, config.spec))


def run_rtl(
    workload: SplatWorkload, *, memory: MemorySettings = MemorySettings(), taps: bool = False,
    waves: bool = False, rebuild: bool = False,
) -> RtlFrame:  # fmt: skip
    """Draws the frame with the generated Verilog, on a simulator built anew if `rebuild`."""
    config = workload.config
    job = run_job(
        lambda: SplatEngine(config=config),
        "splat",
        config,
        workload.memory,
        COUNTERS,
        memory=memory,
        taps=taps,
        waves=waves,
        rebuild=rebuild,
    )
    return RtlFrame(pixels=read_frame(job.data, workload.frame, config.spec), job=job)


def splat_roofline(counters: Mapping[str, int], config: Config, memory: MemorySettings) -> Roofline:
    """work / throughput of every stage, from the hardware's own counters.

    Coarse filter: `coarse_lanes` Gaussians a cycle. Fine filter: one. Depth sort: one splat a
    cycle, and two operations of 2 cycles a splat shared by the banks. Rasteriser: one splat × one
    sub-tile, or one sub-tile handed out. Memory: words moved / words a cycle.
    """
    words = sum(counters[name] for name in ("frame_words", "list_words", "coarse_words", "record_words", "write_words"))
    return Roofline(
        cycles=counters["cycles"],
        stages={
            "coarse filter": counters["streamed"] / config.coarse_lanes,
            "fine filter": counters["candidates"],
            "depth sort": counters["splats"] * max(1.0, 4 / config.spec.sort_banks),
            "rasteriser": counters["draws"] + counters["flushes"],
            "memory": words / (memory.bandwidth / 256),
        },
    )
