"""How a baseline is timed and kept: a JSON file for each engine and device, an entry for each workload and method."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import statistics
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from golden.errors import InputError
from sim.kernel.files import write_json
from sim.kernel.report import commit
from sim.kernel.runner import BUILD

SCHEMA = 2  # of a record
SIM = Path(__file__).parent.parent  # an engine's records lie in its own folder
LOCAL = BUILD / "baselines"  # what this machine has measured
WARM_UP, RUNS = 2, 7
GPU_WAY = (
    "install the build of torch {torch} for the driver's CUDA, by the command that PyTorch's page of downloads names, "
    "then `.venv/bin/pip install -e '.[gpu]'`"
)

#: A device and the workloads that were timed on it.
Measured = tuple[dict[str, Any], list[dict[str, Any]]]


class WrongAnswerError(RuntimeError):
    """A baseline gives another answer than the reference; its time would mean nothing."""


def cpu_device(threads: int) -> dict[str, Any]:
    """What the processor says of itself."""
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


def entry(workload: Mapping[str, Any], method: str, timed: Mapping[str, Any], **figures: Any) -> dict[str, Any]:
    """A timed workload as records keep it; energy is null: no counter of it is read."""
    return {"workload": dict(workload), "method": method, **timed, **figures, "energy_mj": None}


def save(engine: str, measured: Measured, base: Path) -> Path:
    """Writes `<base>/<engine>/measured-<device>.json` and returns its path.

    What stands there of other workloads, methods or numbers of threads stays.
    """
    device, entries = measured
    slug = re.sub(r"[^a-z0-9]+", "-", device["name"].lower()).strip("-")
    path = base / engine / f"measured-{slug}.json"
    made = {"threads": device.get("threads"), "commit": commit(), "torch": version("torch")}
    merged = {_key(e): e for e in (_read(path)["entries"] if path.exists() else [])}
    for timed in entries:
        merged[_key(made | timed)] = made | timed
    about = {name: value for name, value in device.items() if name != "threads"}
    write_json(path, {"schema": SCHEMA, "engine": engine, "device": about, "entries": list(merged.values())})
    return path


def load(engine: str) -> list[dict[str, Any]]:
    """Every measured record of an engine, by device name: this machine's own before those of the source tree.

    Raises:
        InputError: one has another schema.
    """
    records: dict[str, dict[str, Any]] = {}
    for folder in (SIM / engine, LOCAL / engine):
        for path in sorted(folder.glob("measured-*.json")):
            record = _read(path)
            known = records.setdefault(record["device"]["name"], record)
            newer = {_key(e): e for e in record["entries"]}
            known["entries"] = list(({_key(e): e for e in known["entries"]} | newer).values())
    return [records[name] for name in sorted(records)]


def _read(path: Path) -> dict[str, Any]:
    record = json.loads(path.read_text())
    if record["schema"] != SCHEMA:
        raise InputError(f"{path}: a record must have schema {SCHEMA}, it has {record['schema']}: measure it again")
    return record


def _key(entry: Mapping[str, Any]) -> str:
    """What makes two entries measurements of the same."""
    return json.dumps([entry[name] for name in ("workload", "method", "threads")], sort_keys=True)


def gpu_remark() -> str:
    """Why no GPU is measured, and the way out where one is there."""
    import torch

    if shutil.which("nvidia-smi") is None:
        return "no CUDA device at hand: no GPU baseline"
    if torch.version.cuda is None:
        way = GPU_WAY.format(torch=torch.__version__.partition("+")[0])
        return f"a GPU is at hand, but this torch ({torch.__version__}) is a CPU build: {way}"
    return f"a GPU is at hand, but torch {torch.__version__} cannot use it: its driver may be older than that CUDA"


def published(engine: str) -> list[dict[str, Any]]:
    """What publications report for an engine's task, with their sources."""
    path = SIM / engine / "published.json"
    return json.loads(path.read_text()) if path.exists() else []
