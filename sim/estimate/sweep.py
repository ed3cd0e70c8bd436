"""A sweep: every combination of some fields' values, each a point with area, clock, cycles, energy and quality.

A point is a JSON file, written whole and named by the hash of what it is of; a sweep that is stopped goes on with those
that are missing. Keys of a point: changes (field: value), area_mm2, memory_mm2, clock_mhz, cycles, us (cycles at that
clock), energy_nj (by counters, leakage in it, DRAM apart), dram_nj, quality, measure.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

from golden.errors import InputError
from hw.generate import Generated, config_hash
from sim.engines import Engine
from sim.estimate.by_counters import counted_joules
from sim.estimate.energy import dram_energy
from sim.estimate.estimate import Estimate, estimate
from sim.estimate.sram import memory_model
from sim.estimate.technology import Technology
from sim.estimate.workers import Pool
from sim.kernel.designs import design, sources_digest
from sim.kernel.files import write_json
from sim.kernel.run import Run
from sim.kernel.sample import Sample
from sim.kernel.settings import choose_config

Point = dict[str, Any]
VERSION = 1  #: of what is kept: another one measures all anew


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is the same for every point."""

    engine: Engine
    config_name: str
    changes: tuple[str, ...]  #: of every point, FIELD=VALUE
    technology: Technology
    source: str | None  #: of the sample, as its size
    size: int | None
    folder: Path  #: of the points
    units: Path  #: of mapped units


@dataclass(frozen=True, kw_only=True)
class Task:
    """A point to measure: what is set, and where it goes."""

    plan: Plan
    chosen: tuple[tuple[str, str], ...]  #: field and value
    path: Path = Path()  #: of its file; named once, by who makes the sweep: sources may change meanwhile

    @property
    def config(self) -> Any:
        """Raises:
        InputError: the engine has no such config.
        """
        changes = [*self.plan.changes, *(f"{name}={value}" for name, value in self.chosen)]
        return choose_config(self.plan.engine.configs, self.plan.config_name, changes)


def _path(task: Task) -> Path:
    """Named by config, sources of the design, technology and sample."""
    plan = task.plan
    text = f"{VERSION} {plan.technology.digest} {plan.source} {plan.size} {task.config} {sources_digest()}"
    return plan.folder / f"{plan.engine.name}-{hashlib.sha256(text.encode()).hexdigest()[:16]}.json"


def read_axes(texts: Sequence[str]) -> list[tuple[str, list[str]]]:
    """`FIELD=V1,V2,…` of each.

    Raises:
        InputError: another form, or a field twice.
    """
    axes: dict[str, list[str]] = {}
    for text in texts:
        name, _, values = text.partition("=")
        chosen = [value for value in values.split(",") if value]
        if not name or not chosen:
            raise InputError(f"--sweep takes FIELD=VALUE,VALUE,…, got '{text}'")
        if name in axes:
            raise InputError(f"--sweep takes a field once, {name} is there twice")
        axes[name] = list(dict.fromkeys(chosen))
    return list(axes.items())


def tasks_of(plan: Plan, axes: Sequence[tuple[str, Sequence[str]]]) -> list[Task]:
    """Every combination; each is a config that the engine has.

    Raises:
        InputError: one is not, before any is measured.
    """
    names = [name for name, _ in axes]
    tasks = [
        Task(plan=plan, chosen=tuple(zip(names, values, strict=True))) for values in product(*(v for _, v in axes))
    ]  # fmt: skip
    return [replace(task, path=_path(task)) for task in tasks]


def run_sweep(tasks: Sequence[Task], pool: Pool, done: Callable[[Point], None] = lambda _: None) -> list[Point]:
    """Measures what is missing, and returns every point in the tasks' order.

    Raises:
        CheckError, SimulationError: a run of a point is not right; the points that are done stay.
    """
    missing = [task for task in tasks if not task.path.exists()]
    for point in pool(measure_point, missing):
        done(point)
    return [json.loads(task.path.read_text()) for task in tasks]


def measure_point(task: Task) -> Point:
    """Measures a point and writes its file."""
    plan, config = task.plan, task.config
    made = plan.engine.sample().sample(config, source=plan.source, size=plan.size)
    found = estimate(
        _design(task).rtlil, plan.engine.name, plan.technology, memory_model(plan.technology), plan.units, workers=1
    )  # fmt: skip
    point = {
        "changes": dict(task.chosen),
        "config_hash": config_hash(config),
        **_figures(task, found, made, made.run()),
    }
    write_json(task.path, point)
    return point


def _design(task: Task) -> Generated:
    entry, config = task.plan.engine, task.config
    return design(lambda: entry.top(config), entry.name, config)


def _figures(task: Task, found: Estimate, made: Sample, run: Run) -> Mapping[str, Any]:
    plan, cycles = task.plan, run.counters["cycles"]
    period_s = 1e-9 * found.slowest[1].period_ns if found.slowest else 1e-9
    joules = counted_joules(
        _design(task).rtlil, plan.engine.name, made.events(run), cycles, plan.technology.node_nm
    )  # fmt: skip
    seconds = cycles * period_s
    dram = dram_energy(run)
    return {
        "area_mm2": found.total.um2 / 1e6,
        "memory_mm2": found.total.memory_um2 / 1e6,
        "clock_mhz": 1e-6 / period_s,
        "cycles": cycles,
        "us": 1e6 * seconds,
        "energy_nj": 1e9 * (sum(joules.values()) + found.total.watts * seconds),
        "dram_nj": dram and dram["nj"],
        "quality": made.quality(run),
        "measure": made.measure,
    }


def pareto(points: Sequence[Point], smaller: Sequence[str] = ("area_mm2", "us")) -> list[Point]:
    """Those that no other one beats: as good in all keys and better in one; a higher quality is a better one."""

    def scores(point: Point) -> list[float]:
        return [*(float(point[name]) for name in smaller), -float(point["quality"] or 0.0)]

    def beats(a: list[float], b: list[float]) -> bool:
        return a != b and all(x <= y for x, y in zip(a, b, strict=True))

    every = [scores(point) for point in points]
    return [point for point, own in zip(points, every, strict=True) if not any(beats(other, own) for other in every)]
