"""A small frame for estimates."""

from __future__ import annotations

from golden.scenes import load_scene, orbit, orbit_name
from golden.scenes.embedded import EMBEDDED_NAME
from hw.splat.config import Config
from sim.kernel.jobs import MemorySettings
from sim.kernel.quality import psnr
from sim.kernel.run import Backend, Run
from sim.kernel.sample import Events, Sample, words_moved
from sim.splat.picture import BLACK, over
from sim.splat.run import DRAW, layers, run
from sim.splat.suite import VIEWS
from sim.splat.workload import prepare


def sample(config: Config, *, source: str | None = None, size: int | None = None) -> Sample:
    """View 1 of 3 around a scene. `size`: pixels a side."""
    scene = load_scene(source or EMBEDDED_NAME)
    camera = orbit(scene, 1, VIEWS, width=size or 16, height=size or 16)
    return Sample(
        operation=DRAW,
        workload=prepare(scene, camera, config, view=orbit_name(1, VIEWS)),
        memory=MemorySettings(),
        measure="PSNR, dB",
        quality=_quality,
        events=_events,
    )


def _quality(drawn: Run) -> float:
    """Beside the float reference."""
    return float(psnr(over(layers(drawn), BLACK), over(layers(run(drawn.workload, backend=Backend.REFERENCE)), BLACK)))


def _events(drawn: Run) -> Events:
    c = drawn.counters
    return {
        "coarse_lane": c["streamed"],
        "coarse_filter": c["rows"],
        **dict.fromkeys(
            ("fine_filter", "covariance", "color", "extents", "projection", "conic", "touch"), c["candidates"]
        ),
        "view_rotation": c["groups"],
        "heap_bank": c["splats"],
        "depth_sort": c["splats"],
        **dict.fromkeys(("lane_group", "setup", "dispatcher", "lanes"), c["draws"]),
        "pixel_lane": c["draws"] * drawn.workload.config.spec.lanes,
        "vsu": c["order_cycles"],
        "": words_moved(c),
    }
