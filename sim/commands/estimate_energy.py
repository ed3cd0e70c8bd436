"""`tessera estimate ENGINE --energy METHOD`: what a run of the engine's sample takes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sim.estimate.energy import EnergyOf, energy_report
from sim.estimate.memory_model import MemoryModel
from sim.estimate.technology import Technology
from sim.kernel.console import out, show_json, show_table, step
from sim.kernel.files import require_writable, write_json
from sim.kernel.sample import Sample

UNITS_SHOWN = 12


def estimate_energy(
    sample: Sample, technology: Technology, model: MemoryModel, methods: Sequence[str], *, saif: Path | None,
    clock_mhz: float, window: int | None, units: Path, path: Path, as_json: bool,
) -> None:  # fmt: skip
    """Measures, shows and writes the report to `path`.

    Raises:
        CheckError: a netlist did not give the run's words.
        InputError: activity is missing or of another design, a tool or a table is missing.
    """
    require_writable(path)
    energy = EnergyOf(
        sample=sample, technology=technology, model=model, units=units, clock_mhz=clock_mhz, window=window,
        workers=os.cpu_count() or 1,
    )  # fmt: skip
    with step(f"energy of {sample.operation.engine} by {', '.join(methods)}"):
        report = energy_report(energy, methods, saif)
    write_json(path, report)
    title = f"{report['engine']}, {report['technology']}, pJ a cycle at {clock_mhz:g} MHz"
    names = list(report["methods"])
    show_table(title, ("unit", *names, "largest / smallest"), _rows(report["methods"]))
    if report["units"]:
        words, count = sum(unit["words"] for unit in report["units"]), len(report["units"])
        out.print(f"{count} netlists gave all {words} words of the run")
    for name, method in report["methods"].items():
        ratio = report["ratios"][name]
        out.print(
            f"{name}: {method['pj_a_cycle']:.1f} pJ a cycle, {method['nj']:.1f} nJ in {report['cycles']} cycles"
            + f", {ratio:.2f} of {names[0]}" * (name != names[0])
        )
    if report["dram"]:
        dram = report["dram"]
        out.print(f"DRAM apart: {dram['nj']:.1f} nJ for {dram['bytes']} B and {dram['activations']} activations")
    out.print(f"{path}")
    if as_json:
        show_json(report)


def _rows(methods: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[object, ...]]:
    """The units that take most by any method, and all others together."""
    units = sorted({unit for method in methods.values() for unit in method["units"]})

    def of(unit: str) -> list[float]:
        return [method["units"].get(unit, 0.0) for method in methods.values()]

    units.sort(key=lambda unit: -max(of(unit)))
    for unit in units[:UNITS_SHOWN]:
        yield _row(unit, of(unit))
    rest = [sum(column) for column in zip(*map(of, units[UNITS_SHOWN:]), strict=True)]
    if rest:
        yield _row(f"{len(units) - UNITS_SHOWN} more", rest)


def _row(name: str, values: Sequence[float]) -> tuple[object, ...]:
    least = min(values)
    return name, *(f"{value:.3f}" for value in values), f"{max(values) / least:.2f}" if least > 0 else "–"
