"""Cycle counts of reports beside measured baselines of the same workload."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from golden.errors import InputError
from sim.kernel.baseline import load

HEAD = ("device", "threads", "method", "kind", "workload", "ms", "× RTL", "energy, mJ")
_SIZES = {"gaussians": "Gaussians", "nodes": "nodes", "tau_px": "px", "tokens": "tokens", "queries": "queries"}


@dataclass(frozen=True, kw_only=True)
class Figure:
    """What a workload takes somewhere."""

    device: str
    threads: int | None  #: None where it has no meaning
    method: str
    kind: str  #: how the time was found
    workload: str
    ms: float
    ratio: float  #: over the RTL's at `clock_mhz`
    clock_mhz: float
    energy_mj: float | None = None  #: of one run, of the whole device; None where it was not measured
    energy_method: str | None = None  #: how it was measured

    def row(self) -> tuple[str, ...]:
        """For a table with `HEAD`."""
        threads = "-" if self.threads is None else str(self.threads)
        ratio = f"{self.ratio:.1f}" if self.ratio >= 10 else f"{self.ratio:.3g}"
        energy = "-" if self.energy_mj is None else f"{self.energy_mj:.4g}"
        return self.device, threads, self.method, self.kind, self.workload, f"{self.ms:.3f}", ratio, energy


def rtl_figures(report: dict[str, Any], clock_mhz: float, closes: str) -> list[Figure]:
    """The RTL's run at a clock, and what the host must do for such a job, where that was timed.

    `closes`: how that clock is known, and of what library.
    """
    workload, memory = report["workload"], report["memory"]
    ms = report["cycles"] / clock_mhz / 1e3
    pauses = f", memory pauses {memory['stalls']}/256" if memory.get("stalls") else ""
    name = label(workload)
    figures = [
        Figure(
            device=f"RTL at {clock_mhz:g} MHz{pauses}", threads=None, method="generated Verilog",
            kind=f"cycles by simulation, clock {closes}", workload=name, ms=ms, ratio=1.0, clock_mhz=clock_mhz,
        )
    ]  # fmt: skip
    host = workload.get("host_ms")
    if host:
        figures.append(
            Figure(
                device="its host, the CPU that simulated", threads=1, method="what a view needs beforehand, in Python",
                kind="measured", workload=name, ms=host, ratio=host / ms, clock_mhz=clock_mhz,
            )
        )  # fmt: skip
    return figures


def baseline_figures(report: dict[str, Any], clock_mhz: float) -> list[Figure]:
    """Every measured baseline of the report's workload: all that its own workload names has the report's value."""
    ms = report["cycles"] / clock_mhz / 1e3
    return [
        Figure(
            device=record["device"]["name"], threads=entry["threads"], method=entry["method"], kind="measured",
            workload=label(entry["workload"]), ms=entry["median_ms"], ratio=entry["median_ms"] / ms,
            clock_mhz=clock_mhz, energy_mj=entry["energy_mj"], energy_method=entry.get("energy_method"),
        )
        for record, entry in matching(report)
    ]  # fmt: skip


def matching(report: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Every record and entry of the very workload of a report."""
    for record in load(report["engine"]):
        for entry in record["entries"]:
            if all(report["workload"].get(name) == value for name, value in entry["workload"].items()):
                yield record, entry


def label(workload: Mapping[str, Any]) -> str:
    """What people call it: its name, and its size in whatever it is measured."""
    named = [str(workload[key]) for key in ("scene", "stream", "tree", "trace", "view", "path") if workload.get(key)]
    size = workload.get("size")
    if isinstance(size, int):  # of a collective or a decode step, whose name says its nodes
        return " ".join([*named, f"{size:,} {'tokens' if 'hidden' in workload else 'B'}"])
    sizes = [f"{workload[key]} {word}" for key, word in _SIZES.items() if workload.get(key)]
    return " ".join([*named, *([str(size)] if size else []), *sizes])


def read_report(path: Path) -> dict[str, Any]:
    """A report.

    Raises:
        InputError: it is no JSON object, or one with cycles that lacks the rest of a run.
    """
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:  # not UTF-8 or not JSON
        raise InputError(f"{path}: a report is JSON: {error}") from error
    if not isinstance(report, dict) or (report.get("cycles") and not {"engine", "workload", "memory"} < set(report)):
        raise InputError(f"{path}: a report is an object with `engine`, `cycles`, `workload` and `memory`")
    return report
