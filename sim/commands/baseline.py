"""`tessera baseline`: the same workload on the processors at hand."""

from __future__ import annotations

from pathlib import Path

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
    help="Problem size: pixels per side (splat, lod), tokens (kv), bytes per node (cluster).",
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
    """Time ENGINE's workloads on this machine's CPU and GPU.

    Times are kept as JSON, by default in build/baselines/; those of the same workload and method are replaced, others
    stay. `tessera compare` shows them, and those of the source tree, beside the RTL's.
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
        ("device", "threads", "method", "workload", "median ms"),
        (
            (device["name"], device.get("threads", "-"), entry["method"], label(entry["workload"]), entry["median_ms"])
            for device, entry in rows
        ),
    )
    for line in [*remarks, *(str(path) for path in paths)]:
        out.print(line, markup=False)
