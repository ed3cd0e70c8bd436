"""One frame through RTL, model and reference, and its report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from golden.scenes import load_scene, orbit
from golden.splat.model import render as render_model
from golden.splat.reference import render as render_reference
from hw.splat.config import Config
from sim.baselines.splat import VIEWS, workload_info
from sim.check import check_frame
from sim.console import step
from sim.files import write_json, write_png
from sim.jobs import MemorySettings
from sim.report.quality import psnr
from sim.report.schema import make_report
from sim.roofline import dram_bytes
from sim.suites.table import SuiteTable
from sim.workloads.scenes import known_scenes
from sim.workloads.splat import prepare, run_rtl, splat_roofline

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class CheckedFrame:
    """A frame that equals the model's."""

    name: str
    pixels: Bytes  # [H, W, 3]
    reference: npt.NDArray[np.float32]  # [H, W, 3]
    report: dict[str, Any]
    build_seconds: float
    run_seconds: float

    @property
    def lanes_busy(self) -> float:
        """Share of the frame's cycles in which the lanes drew a splat."""
        return self.report["counters"]["draws"] / self.report["cycles"]


def run_scene(
    source: str, config: Config, *, view: int = 1, size: int = 256, stalls: int = 0, seed: int = 1
) -> CheckedFrame:
    """Draws view `view` of 3 in RTL, compares it with the model, and measures it against the reference.

    Raises:
        CheckError: RTL and model differ.
    """
    scene = load_scene(source)
    camera = orbit(scene, view, VIEWS, width=size, height=size)
    memory = MemorySettings(stalls=stalls, seed=seed)
    workload = prepare(scene, camera, config)
    frame = run_rtl(workload, memory=memory)
    model = render_model(workload.image, workload.frame, config.spec)
    check_frame(workload, frame, model)
    reference = render_reference(scene, camera).numpy()
    pixels = frame.pixels[..., :3]
    report = make_report(
        engine="splat",
        config=config,
        seed=seed,
        workload={**workload_info(scene, view, size), "camera": camera.to_json(), "sh_degree": scene.sh_degree},
        memory=vars(memory),
        roofline=splat_roofline(frame.job.counters, config, memory),
        counters=frame.job.counters,
        dram_bytes=dram_bytes(frame.job.counters, config.word_bytes),
        quality={"psnr_db": psnr(pixels / 255, reference), "rtl_equals_model": True},
    )
    return CheckedFrame(
        name=Path(source).stem,
        pixels=np.ascontiguousarray(pixels),
        reference=reference,
        report=report,
        build_seconds=frame.job.build_seconds,
        run_seconds=frame.job.run_seconds,
    )


def run_suite(
    config: Config, folder: Path, *, inputs: Sequence[str] = (), size: int = 256, stalls: Sequence[int] = (0, 64)
) -> SuiteTable:
    """Draws every scene with every rate of memory pauses; writes a report and a picture for each to `folder`."""
    rows: list[tuple[object, ...]] = []
    for source in inputs or known_scenes():
        for rate in stalls:
            with step(f"{Path(source).name}, pauses {rate}/256"):
                frame = run_scene(source, config, size=size, stalls=rate)
            write_json(folder / f"report-splat-{frame.name}-{rate}.json", frame.report)
            write_png(folder / f"splat-{frame.name}.png", frame.pixels)
            report = frame.report
            rows.append(
                (
                    frame.name, rate, report["cycles"], f"{report['bound']['cycles']:.0f}", report["bound"]["limit"],
                    f"{report['ratio']:.3f}", f"{frame.lanes_busy:.1%}", f"{report['bytes']['total'] / 1e6:.2f}",
                    f"{report['quality']['psnr_db']:.2f}",
                )
            )  # fmt: skip
    return SuiteTable(
        title=f"splat, {size}×{size}: RTL equals the model in every pixel",
        head=("scene", "pauses", "cycles", "bound", "limit", "ratio", "lanes busy", "MB", "PSNR dB"),
        rows=rows,
    )
