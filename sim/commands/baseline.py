"""`tessera baseline`: the same workload on the processors at hand."""

from __future__ import annotations

from pathlib import Path

import click

from golden.errors import InputError
from sim.commands.scenes import known_scenes
from sim.console import out, show_table, step
from sim.engines import find_engine


@click.command()
@click.argument("engine")
@click.option("--scene", "scenes", multiple=True, help="Scene file; may be given several times. [default: all known]")
@click.option("--size", default=256, show_default=True, help="Pixels a side.")
def baseline(engine: str, scenes: tuple[str, ...], size: int) -> None:
    """Time ENGINE's workload on this machine's CPU, and on its GPU if it has one; keep the result as JSON."""
    find_engine(engine)
    if not 8 <= size <= 4096:
        raise InputError(f"--size must lie in 8..4096, it is {size}")
    import torch

    from sim.baselines import splat

    sources = list(scenes) or known_scenes()
    with step("timing on the CPU"):
        paths: list[Path] = [splat.measure_cpu(sources, size=size)]
    if torch.cuda.is_available():
        try:
            with step("timing on the GPU"):
                paths.append(splat.measure_cuda(sources, size=size))
        except ImportError:
            out.print("a CUDA device is there, but gsplat is not installed: no GPU baseline")
    else:
        out.print("no CUDA device at hand: no GPU baseline")
    from sim.baselines.record import load

    rows = [
        (r["device"]["name"], e["workload"]["scene"], e["workload"]["size"], e["median_ms"])
        for r in load(engine)
        for e in r["entries"]
    ]
    show_table(f"{engine}: measured baselines", ("device", "scene", "size", "median ms"), rows)
    for path in paths:
        out.print(str(path))
