"""Reports and records of made-up runs, from which rows are made by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from hw.generate import config_hash
from sim.compare.comparison import PICTURES
from sim.engines import ENGINES
from sim.kernel.files import write_json, write_png

FRAME = {"scene": "a", "gaussians": 28488, "view": "1/3", "size": "256x256", "near": 0.2}


def report(engine: str = "splat", *, cycles: int = 64_000, workload: dict[str, Any] | None = None) -> dict[str, Any]:
    """What the comparison reads of a report."""
    return {
        "engine": engine, "cycles": cycles, "commit": "0" * 12, "memory": {"stalls": 0, "dram": None},
        "workload": workload or FRAME, "config_hash": config_hash(ENGINES[engine].configs["default"]()),
        "bound": {"cycles": cycles / 2, "limit": "memory", "stages": {"lanes": cycles / 4, "memory": cycles / 2}},
        "ratio": 2.0, "useful_share": 0.25, "bytes": {"total": 3_200_000},
    }  # fmt: skip


def write_report(folder: Path, name: str, made: dict[str, Any]) -> Path:
    """As a run leaves it, with two pictures."""
    path = folder / f"report-{name}.json"
    write_json(path, made)
    drawn = {title: f"{name}-{k}.png" for k, title in enumerate(("RTL", "reference"))}
    for k, file in enumerate(drawn.values()):
        write_png(folder / file, np.full((8, 8, 3), 90 * k, np.uint8))
    known = folder / PICTURES
    write_json(known, (json.loads(known.read_text()) if known.exists() else {}) | {name: drawn})
    return path


def record(
    folder: Path,
    engine: str,
    *,
    name: str = "Slow",
    kind: str = "cpu",
    views: dict[str, float] | None = None,
    **entry: Any,
) -> Path:
    """A measured record of the frame above, and of other views of it, in milliseconds."""
    given = {
        "workload": FRAME, "method": "m", "threads": 2, "median_ms": 10.0, "spread_ms": 0.5, "runs_ms": [10.0] * 50,
        "energy_mj": None, "energy_missing": "no meter", "energy_method": None,
    } | entry  # fmt: skip
    entries = [given | {"workload": FRAME | {"view": view}, "median_ms": ms} for view, ms in (views or {}).items()]
    path = folder / engine / f"measured-{name.lower()}.json"
    device = {"kind": kind, "name": name}
    write_json(path, {"schema": 2, "engine": engine, "device": device, "entries": [given, *entries]})
    return path


def estimate(folder: Path, engine: str = "splat", library: str = "nangate45", **changes: Any) -> Path:
    """What `tessera estimate` writes, as far as it is read."""
    whole = {
        "config_hash": report(engine)["config_hash"], "technology": library, "node_nm": 45,
        "clock_mhz": {"closing": 640.0, "slowest": "lane", "by": "OpenSTA"},
        "area_mm2": {"total": 3.0, "memory_share": 0.5}, "commit": "c",
    } | changes  # fmt: skip
    path = folder / f"{engine}-default-{library}.json"
    write_json(path, whole)
    return path


def energy(folder: Path, engine: str = "splat", library: str = "nangate45", **methods: float) -> Path:
    """What `tessera estimate --energy` writes, as far as it is read: pJ a cycle by each method."""
    whole = {
        "config_hash": report(engine)["config_hash"], "technology": library, "commit": "c", "clock_mhz": 1000,
        "methods": {name: {"pj_a_cycle": value} for name, value in methods.items()},
    }  # fmt: skip
    path = folder / f"energy-{engine}-default-{library}.json"
    write_json(path, whole)
    return path
