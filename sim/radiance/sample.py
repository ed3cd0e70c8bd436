"""Two frames to look up, for estimates."""

from __future__ import annotations

from hw.radiance.config import Config
from sim.kernel.jobs import MemorySettings
from sim.kernel.run import Run
from sim.kernel.sample import Events, Sample, words_moved
from sim.radiance.run import LOOK_UP
from sim.radiance.traces import load_trace
from sim.radiance.workload import prepare

FRAMES = 2


def sample(config: Config, *, source: str | None = None, size: int | None = None) -> Sample:
    """A made-up trace of moving records. `size`: pixels a side."""
    trace = load_trace(source or "synthetic:3", config.spec, size=size or 16, frames=FRAMES)
    return Sample(
        operation=LOOK_UP,
        workload=prepare(trace, config),
        memory=MemorySettings(),
        measure="PSNR to what is drawn to the end, dB",
        quality=lambda run: float(run.quality["psnr_to_drawn_db"]),
        events=_events,
    )


def _events(run: Run) -> Events:
    c, sets = run.counters, run.workload.config.spec.sets
    return {
        **dict.fromkeys(("core", "look_ups", "datapath", "keys"), c["look_ups"]),
        "record_register": 3 * c["look_ups"],
        "fill_unit": c["filled"] + c["visits"] * sets,
        "checksum": c["image_words"] + c["save_write_words"],
        "": words_moved(c),
    }
