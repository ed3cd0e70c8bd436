"""A frame for the splatting engine: scene, camera and config to a memory image and back to pixels."""

from __future__ import annotations

from dataclasses import dataclass

from golden.scenes import Camera, Scene
from golden.splat.frame import Frame, build_frame
from golden.splat.memory_image import Bytes, MemoryImage, build_memory_image, read_frame
from golden.splat.scene_image import SceneImage, build_scene_image
from hw.splat.config import Config
from hw.splat.top import COUNTERS, SplatEngine
from sim.jobs import JobResult, MemorySettings, run_job


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
    workload: SplatWorkload, *, memory: MemorySettings = MemorySettings(), taps: bool = False, waves: bool = False
) -> RtlFrame:
    """Draws the frame with the generated Verilog."""
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
    )
    return RtlFrame(pixels=read_frame(job.data, workload.frame, config.spec), job=job)
