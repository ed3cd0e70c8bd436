"""How a baseline is timed and kept: a JSON file for each engine and device."""

from __future__ import annotations

import json
import os
import platform
import re
import statistics
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sim.kernel.files import write_json
from sim.kernel.report import commit

SIM = Path(__file__).parent.parent  # an engine's records lie in its own folder
WARM_UP, RUNS = 2, 7


class WrongAnswerError(RuntimeError):
    """A baseline gives another answer than the reference; its time would mean nothing."""


def cpu_device(threads: int) -> dict[str, Any]:
    """What the processor says of itself; energy is null: it has no counter that a guest can read."""
    info = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = re.search(r"model name\s*: (.*)", info)
    clock = re.search(r"cpu MHz\s*: (.*)", info)
    return {
        "kind": "cpu",
        "name": model[1].strip() if model else platform.processor() or platform.machine(),
        "threads": threads,
        "cores": os.cpu_count(),
        "clock_mhz": float(clock[1]) if clock else None,
    }


def cuda_device() -> dict[str, Any]:
    """The current CUDA device."""
    import torch

    properties = torch.cuda.get_device_properties(0)
    return {
        "kind": "cuda",
        "name": properties.name,
        "multiprocessors": properties.multi_processor_count,
        "memory_gib": round(properties.total_memory / 2**30, 1),
        "clock_mhz": None,
        "cuda": torch.version.cuda,
    }


def time_runs(run: Callable[[], object], *, wait: Callable[[], object] = lambda: None) -> dict[str, Any]:
    """Milliseconds of `RUNS` runs after `WARM_UP`; `wait` ends asynchronous work."""
    milliseconds: list[float] = []
    for k in range(WARM_UP + RUNS):
        wait()
        begin = time.perf_counter()
        run()
        wait()
        if k >= WARM_UP:
            milliseconds.append(1e3 * (time.perf_counter() - begin))
    return {"median_ms": round(statistics.median(milliseconds), 4), "runs_ms": [round(v, 4) for v in milliseconds]}


def save(engine: str, device: dict[str, Any], method: str, entries: list[dict[str, Any]]) -> Path:
    """Writes `<engine>/measured-<device>.json` and returns its path."""
    slug = re.sub(r"[^a-z0-9]+", "-", device["name"].lower()).strip("-")
    path = SIM / engine / f"measured-{slug}.json"
    record = {
        "schema": 1,
        "engine": engine,
        "commit": commit(),
        "device": device,
        "torch": version("torch"),
        "method": method,
        "entries": entries,
    }
    write_json(path, record)
    return path


def load(engine: str) -> list[dict[str, Any]]:
    """Every measured record of an engine, by device name."""
    records = [json.loads(path.read_text()) for path in sorted((SIM / engine).glob("measured-*.json"))]
    return sorted(records, key=lambda record: record["device"]["name"])


def published(engine: str) -> list[dict[str, Any]]:
    """What publications report for an engine's task, with their sources."""
    path = SIM / engine / "published.json"
    return json.loads(path.read_text()) if path.exists() else []
