"""`tessera estimate ENGINE --sweep FIELD=VALUES`: area, clock, cycles, energy and quality over configs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sim.estimate.sweep import Plan, read_axes, run_sweep, tasks_of
from sim.estimate.sweep_plot import HEAD, draw, name_of, rows
from sim.estimate.workers import pool_for
from sim.kernel.console import note, out, show_json, show_table
from sim.kernel.files import write_json


def estimate_sweep(plan: Plan, sweeps: Sequence[str], cluster: str | None, folder: Path, as_json: bool) -> None:
    """Measures what is missing of a sweep, shows it, and writes its table and pictures to `folder`.

    Raises:
        InputError: no such field or config, or a package is missing.
        CheckError, SimulationError: a point's run is not right.
    """
    axes = read_axes(sweeps)
    pool = pool_for(cluster)
    tasks = tasks_of(plan, axes)
    kept = sum(task.path.exists() for task in tasks)
    if kept:
        note(f"{kept} of {len(tasks)} points are kept from before")
    points = run_sweep(tasks, pool, lambda point: note(f"done: {name_of(point)}"))
    title = f"{plan.engine.name}, {plan.technology.name}"
    show_table(f"{title}; quality: {points[0]['measure'] or 'every result is exact'}", HEAD, rows(points))
    stem = folder / f"sweep-{plan.engine.name}-{plan.technology.name}"
    write_json(stem.with_suffix(".json"), points)
    for kind in (".svg", ".png"):
        draw(points, stem.with_suffix(kind), title)
    out.print(f"{stem}.json, .svg, .png")
    if as_json:
        show_json(points)
