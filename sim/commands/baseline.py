"""`tessera baseline`: the same workload on the processors at hand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from golden.errors import InputError
from sim.commands.options import engine_argument, inputs_option, json_option
from sim.engines import Engine
from sim.kernel import baseline as records
from sim.kernel.comparison import label
from sim.kernel.console import out, show_json, show_table
from sim.kernel.files import require_writable


@click.command()
@engine_argument
@inputs_option
@click.option(
    "--size",
    default=256,
    show_default=True,
    help="Problem size: pixels per side (splat, lod, radiance), tokens (kv), bytes per node (cluster).",
)
@click.option(
    "-o",
    "--out",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the records, under the engine's name. [default: build/baselines]",
)
@click.option("--record", is_flag=True, help="Write the records to the source tree, to be published with it.")
@json_option
def baseline(
    engine: Engine, inputs: tuple[str, ...], size: int, folder: Path | None, record: bool, as_json: bool
) -> None:  # fmt: skip
    """Measure ENGINE's workloads on this machine's CPU and GPU.

    Time, clock and energy are kept as JSON, by default in build/baselines/; those of the same workload and method are
    replaced, others stay. `tessera compare` shows them, and those of the source tree, beside the RTL's.
    docs/baselines.md says how each is measured.
    """
    if not 8 <= size <= 1 << 20:
        raise InputError(f"--size must lie in 8..{1 << 20}, it is {size}")
    if record and folder:
        raise InputError("--record says where the records go: leave out --out")
    base = records.SIM if record else folder or records.LOCAL
    require_writable(base / engine.name / "measured")
    measured, remarks = engine.baseline().measure(inputs, size)
    paths = [records.save(engine.name, one, base) for one in measured]
    rows = [(device, entry) for device, entries in measured for entry in entries]
    if as_json:
        show_json([{"device": device, **entry} for device, entry in rows])
    show_table(
        f"{engine.name}: measured on this machine",
        ("device", "threads", "method", "workload", "median ms", "spread ms", "clock, MHz", "energy, mJ"),
        (_row(device, entry) for device, entry in rows),
    )
    energies = dict.fromkeys(_energy(device, entry) for device, entry in rows)
    for line in [*energies, *remarks, *(str(path) for path in paths)]:
        out.print(line, markup=False)


def _row(device: Mapping[str, Any], entry: Mapping[str, Any]) -> tuple[object, ...]:
    clock = entry.get("sm_clock_mhz") or device.get("clock_mhz")
    energy = entry["energy_mj"]
    return (
        device["name"],
        device.get("threads", "-"),
        entry["method"],
        label(entry["workload"]),
        entry["median_ms"],
        entry["spread_ms"],
        f"{clock:.0f}" if clock else "-",
        "-" if energy is None else f"{energy:.4g}",
    )


def _energy(device: Mapping[str, Any], entry: Mapping[str, Any]) -> str:
    """How it was measured, or why it was not."""
    how = f"energy by {entry['energy_method']}, what the device draws at rest included"
    return f"{device['name']}: {entry['energy_missing'] or how}"
