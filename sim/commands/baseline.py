"""`tessera baseline`: the same workload on the processors at hand, or on somebody else's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from golden.errors import InputError
from sim.commands.options import OutputFile, choice_argument, inputs_option, json_option
from sim.engines import ENGINES, Engine
from sim.kernel import baseline as records
from sim.kernel.comparison import label
from sim.kernel.console import out, show_json, show_table, step
from sim.kernel.files import require_writable
from sim.kernel.problem import Problem

MOST_VIEWS = 100
VIEWS = 20  # beside the workload that is compared, as the field's scripts have it


@click.command()
@choice_argument("engine", ENGINES, required=False, callback=lambda _, __, name: ENGINES.get(name))
@inputs_option
@click.option(
    "--size",
    type=int,
    help="Problem size: pixels per side (splat, lod, radiance), tokens (kv). [default: that of the comparison]",
)
@click.option(
    "--views", type=int, help=f"So many more views, questions or draws of it. [default: 0, of a pack {VIEWS}]"
)
@click.option(
    "-o",
    "--out",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the records, under the engine's name. [default: build/baselines]",
)
@click.option("--record", is_flag=True, help="Write the records to the source tree, to be published with it.")
@click.option(
    "--export", "pack", type=OutputFile(), help="Pack workloads and kernels as FILE, for a machine with torch."
)
@click.option(
    "--import", "source", type=click.Path(path_type=Path), help="Take the records that such a file has written."
)
@json_option
def baseline(
    engine: Engine | None, inputs: tuple[str, ...], size: int | None, views: int | None, folder: Path | None,
    record: bool, pack: Path | None, source: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Measure ENGINE's workloads on this machine's CPU and GPU.

    Time, clock and energy are kept as JSON, by default in build/baselines/; those of the same workload and method are
    replaced, others stay. `tessera compare` shows them, and those of the source tree, beside the RTL's. --export packs
    the workloads of ENGINE, or of all, for another machine, and --import takes what that machine has measured.
    docs/baselines.md says how each is measured.
    """
    if size is not None and not 8 <= size <= 1 << 20:
        raise InputError(f"--size must lie in 8..{1 << 20}, it is {size}")
    if views is not None and not 0 <= views <= MOST_VIEWS:
        raise InputError(f"--views must lie in 0..{MOST_VIEWS}, it is {views}")
    if record and folder:
        raise InputError("--record says where the records go: leave out --out")
    if pack and source:
        raise InputError("--export writes a pack, --import reads what it measured: give one of them")
    base = records.SIM if record else folder or records.LOCAL
    if pack:
        _export(pack, [engine] if engine else list(ENGINES.values()), inputs, size, VIEWS if views is None else views)
    elif source:
        _import(source, base)
    elif engine:
        _measure(engine, base, {**_asked(engine, inputs, size), "views": views or 0}, as_json)
    else:
        raise InputError("baseline takes an ENGINE, --export FILE or --import FILE")


def _asked(engine: Engine, inputs: tuple[str, ...], size: int | None) -> dict[str, Any]:
    """What is named, else what the comparison shows."""
    compared = engine.compared().MEASURED
    return {"inputs": inputs or compared["inputs"], "size": compared["size"] if size is None else size}


def _measure(engine: Engine, base: Path, asked: Mapping[str, Any], as_json: bool) -> None:
    require_writable(base / engine.name / "measured")
    measured, remarks = engine.baseline().measure(**asked)
    paths = [records.save(engine.name, one, base) for one in measured]
    rows = [(device, entry) for device, entries in measured for entry in entries]
    if as_json:
        show_json([{"device": device, **entry} for device, entry in rows])
    _show(f"{engine.name}: measured on this machine", rows)
    for line in [*remarks, *(str(path) for path in paths)]:
        out.print(line, markup=False)


def _export(pack: Path, engines: list[Engine], inputs: tuple[str, ...], size: int | None, views: int) -> None:
    from sim.kernel.baseline_pack import write_pack

    if inputs and len(engines) > 1:
        raise InputError("--input is of one engine: name it")

    def problems() -> Iterator[Problem]:
        for engine in engines:
            yield from engine.baseline().problems(**_asked(engine, inputs, size), views=views)

    with step("computing the answers that count as right"):
        count = write_pack(pack, problems())
    out.print(f"{pack}: {count} workloads, {pack.stat().st_size / 1e6:.1f} MB; `python {pack.name}` runs it there")


def _import(source: Path, base: Path) -> None:
    from sim.kernel.baseline_pack import read_records

    found = read_records(source, ENGINES)
    paths = [records.save(engine, measured, base) for engine, measured in found]
    for engine, (device, entries) in found:
        _show(f"{engine}: measured on {device['name']}", [(device, entry) for entry in entries])
    for path in paths:
        out.print(str(path), markup=False)


def _show(title: str, rows: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    head = ("device", "threads", "method", "workload", "median ms", "spread ms", "clock, MHz", "energy, mJ")
    show_table(title, head, (_row(device, entry) for device, entry in rows))
    for line in dict.fromkeys(_energy(device, entry) for device, entry in rows):
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
