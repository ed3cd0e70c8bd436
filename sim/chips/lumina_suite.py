"""Sequences through the composed RTL and its model, and their reports."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from golden.scenes import load_scene, orbit_path
from hw.chips.lumina.config import Config
from sim.chips.lumina import CachedSequence
from sim.kernel.console import step
from sim.kernel.dram import Dram
from sim.kernel.files import write_json
from sim.kernel.jobs import MemorySettings
from sim.kernel.run import Backend, Run
from sim.kernel.suite import SuiteTable
from sim.splat import run as splat
from sim.splat.workload import SplatWorkload, known_scenes, prepare

FRAMES, DEGREES = 3, 1.0


def run_suite(
    config: Config, folder: Path, *, inputs: Sequence[str] = (), size: int = 256, stalls: Sequence[int] = (0, 64),
    dram: Dram | None = None,
) -> SuiteTable:  # fmt: skip
    """Draws a part of an orbit around every scene with every rate of memory pauses; a report for each frame.

    Every pixel and every saved cache is compared with the model's; beside each frame stand the cycles that the
    splatting engine takes for it alone. `size`: pixels a side.
    """
    rows: list[tuple[object, ...]] = []
    for source in inputs or known_scenes():
        scene = load_scene(source)
        angles = [math.radians(DEGREES) * k for k in range(FRAMES)]
        for rate in stalls:
            memory = MemorySettings(stalls=rate, dram=dram)
            draw = CachedSequence(config.spec, config.splat, Backend.RTL, memory=memory, check=True)
            before: SplatWorkload | None = None
            for number, camera in enumerate(orbit_path(scene, angles, width=size, height=size)):
                before = prepare(scene, camera, config.splat, before=before)
                with step(f"{scene.name}, {size}×{size}, frame {number}, pauses {rate}/256"):
                    drawn = draw(before)
                    alone = splat.run(before, memory=memory)
                write_json(folder / f"report-lumina-{scene.name}-{size}-{rate}-{number}.json", drawn.report())
                rows.append((scene.name, size, number, rate, *_row(drawn, alone)))
    return SuiteTable(
        title="lumina: RTL equals the model in every pixel and every saved cache",
        head=(
            "scene", "size", "frame", "pauses", "cycles", "without the cache", "bound", "ratio", "asked", "hits",
            "draws", "without", "cache MB", "MB",
        ),
        rows=rows,
    )  # fmt: skip


def _row(drawn: Run, alone: Run) -> tuple[object, ...]:
    """Cycles, shares and bytes of a frame."""
    assert drawn.roofline is not None
    assert drawn.job is not None
    c, q = drawn.counters, drawn.quality
    moved = drawn.job.bytes_read + drawn.job.bytes_written
    cache = (c["image_words"] + c["save_write_words"]) * drawn.workload.config.word_bytes
    return (
        c["cycles"], alone.counters["cycles"], f"{drawn.roofline.bound:.0f}", f"{drawn.roofline.ratio:.3f}",
        f"{q['asked']:.1%}", f"{q['hit_rate']:.1%}", c["draws"], alone.counters["draws"], f"{cache / 1e6:.2f}",
        f"{moved / 1e6:.2f}",
    )  # fmt: skip
