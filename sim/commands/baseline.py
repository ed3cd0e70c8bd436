"""`tessera baseline`: the same workload on the processors at hand."""

from __future__ import annotations

import click

from golden.errors import InputError
from sim.commands.options import engine_argument
from sim.engines import Engine
from sim.kernel.baseline import load
from sim.kernel.console import out, show_table


@click.command()
@engine_argument
@click.option("--input", "inputs", multiple=True, help="Scene or trace; may be repeated. [default: all known]")
@click.option("--size", default=256, show_default=True, help="Pixels a side, or the engine's own measure of size.")
def baseline(engine: Engine, inputs: tuple[str, ...], size: int) -> None:
    """Time ENGINE's workload on this machine's CPU, and on its GPU if it has one; keep the result as JSON."""
    if not 8 <= size <= 1 << 20:
        raise InputError(f"--size must lie in 8..{1 << 20}, it is {size}")
    paths, remarks = engine.baseline().measure(inputs, size)
    rows = (
        (record["device"]["name"], *(str(v) for v in e["workload"].values()), e["median_ms"])
        for record in load(engine.name)
        for e in record["entries"]
    )
    head = ("device", *load(engine.name)[0]["entries"][0]["workload"], "median ms")
    show_table(f"{engine.name}: measured baselines", head, rows)
    for line in [*remarks, *(str(path) for path in paths)]:
        out.print(line)
