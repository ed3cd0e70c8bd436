"""`tessera bench`: how long the generator, the build and a simulated frame take on this machine."""

from __future__ import annotations

from pathlib import Path

import click

from golden.scenes import load_scene, orbit
from golden.scenes.embedded import EMBEDDED_NAME
from hw.splat.config import CONFIGS
from sim.commands.options import config_option, json_option, set_option
from sim.kernel.console import show_json, show_table, step
from sim.kernel.files import write_json
from sim.kernel.report import commit
from sim.kernel.runner import BUILD
from sim.kernel.settings import choose_config

SIZE = 256


@click.command()
@click.argument("scene", default=EMBEDDED_NAME)
@config_option
@set_option
@json_option
def bench(scene: str, config_name: str, changes: tuple[str, ...], as_json: bool) -> None:
    """Time the generator, a fresh C++ build and a simulated frame.

    The frame is 256×256 pixels of SCENE; the figures go to build/bench/report.json.
    """
    config = choose_config(CONFIGS, config_name, changes)
    from sim.splat.run import run
    from sim.splat.workload import prepare

    loaded = load_scene(scene)
    workload = prepare(loaded, orbit(loaded, 1, 3, width=SIZE, height=SIZE), config)
    with step("generating, building from nothing, drawing the frame"):
        job = run(workload, rebuild=True).job
    assert job is not None
    cycles = job.counters["cycles"]
    figures = {
        "scene": Path(scene).name,
        "generate_s": round(job.generate_seconds, 2),
        "build_s": round(job.build_seconds, 2),
        "frame_s": round(job.run_seconds, 2),
        "cycles": cycles,
        "free_running_cycles_per_s": round(cycles / job.free_seconds),
    }
    path = BUILD / "bench" / "report.json"
    report = {"schema": 1, "commit": commit(), "config": config_name, "measured": figures}
    write_json(path, report)
    if as_json:
        show_json(report)
    show_table(f"splat, config {config_name}, measured on this machine", ("figure", "value"), figures.items())
