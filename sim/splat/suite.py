"""Frames of real scenes in RTL, each equal to the model's, measured against the float reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from golden.scenes import load_scene, orbit, orbit_name
from hw.splat.config import Config
from sim.kernel.console import step, warn
from sim.kernel.dram import Dram
from sim.kernel.files import to_bytes, write_json, write_png
from sim.kernel.jobs import MemorySettings
from sim.kernel.quality import psnr
from sim.kernel.run import Backend, Run
from sim.kernel.suite import SuiteTable
from sim.splat.picture import BLACK, Color, over
from sim.splat.run import lanes_busy, layers, overflow, run
from sim.splat.workload import known_scenes, prepare

VIEWS = 3  # around a scene


@dataclass(frozen=True, kw_only=True)
class CheckedFrame:
    """A frame that equals the model's, and the float reference of it, both over the same background."""

    name: str
    run: Run
    reference: npt.NDArray[np.float32]  # [H, W, 3]
    background: Color = BLACK

    @property
    def values(self) -> npt.NDArray[np.float32]:
        """[H, W, 3]"""
        return over(layers(self.run), self.background)

    @property
    def pixels(self) -> npt.NDArray[np.uint8]:
        """[H, W, 3]"""
        return to_bytes(self.values)

    def report(self) -> dict[str, Any]:
        """The run's, with its quality and its background."""
        report = self.run.report()
        report["quality"] |= {"psnr_db": psnr(self.values, self.reference)}
        report["workload"] |= {"background": list(self.background)}
        return report


def run_scene(
    source: str, config: Config, *, view: int = 1, size: int = 256, stalls: int = 0, seed: int = 1,
    background: Color = BLACK, dram: Dram | None = None,
) -> CheckedFrame:  # fmt: skip
    """Draws view `view` of 3 in RTL, compares it with the model, and measures it against the reference.

    Raises:
        CheckError: RTL and model differ.
    """
    scene = load_scene(source)
    camera = orbit(scene, view, VIEWS, width=size, height=size)
    workload = prepare(scene, camera, config, view=orbit_name(view, VIEWS))
    frame = run(workload, memory=MemorySettings(stalls=stalls, seed=seed, dram=dram), check=True)
    reference = over(layers(run(workload, backend=Backend.REFERENCE)), background)
    return CheckedFrame(name=Path(source).stem, run=frame, reference=reference, background=background)


def run_suite(
    config: Config, folder: Path, *, inputs: Sequence[str] = (), size: int = 256, stalls: Sequence[int] = (0, 64),
    dram: Dram | None = None,
) -> SuiteTable:  # fmt: skip
    """Draws every scene with every rate of memory pauses; writes a report and a picture for each to `folder`."""
    rows: list[tuple[object, ...]] = []
    for source in inputs or known_scenes():
        for rate in stalls:
            with step(f"{Path(source).name}, pauses {rate}/256"):
                frame = run_scene(source, config, size=size, stalls=rate, dram=dram)
            if overflowed := overflow(frame.run):
                warn(overflowed)
            report = frame.report()
            write_json(folder / f"report-splat-{frame.name}-{rate}.json", report)
            write_png(folder / f"splat-{frame.name}.png", frame.pixels)
            rows.append(
                (
                    frame.name, rate, report["cycles"], report["counters"]["order_alone"],
                    f"{report['bound']['cycles']:.0f}", report["bound"]["limit"], f"{report['ratio']:.3f}",
                    f"{lanes_busy(frame.run):.1%}", f"{report['useful_share']:.1%}",
                    f"{report['bytes']['total'] / 1e6:.2f}",
                    f"{report['quality']['psnr_db']:.2f}",
                )
            )  # fmt: skip
    return SuiteTable(
        title=f"splat, {size}×{size}: RTL equals the model in every pixel",
        head=(
            "scene", "pauses", "cycles", "for lists", "bound", "limit", "ratio", "lanes busy", "useful", "MB", "PSNR dB"
        ),
        rows=rows,
    )  # fmt: skip
