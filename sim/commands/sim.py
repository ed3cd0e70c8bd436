"""`tessera sim`: whole-workload co-simulations against the bit-true model."""

from __future__ import annotations

from pathlib import Path

import click

from sim.commands.options import config_option, design_argument, dram_option, inputs_option, out_dir_option, set_option
from sim.commands.run_options import memory_settings
from sim.engines import Engine
from sim.kernel.console import show_table
from sim.kernel.dram import dram_named
from sim.kernel.runner import BUILD
from sim.kernel.settings import choose_config


@click.command()
@design_argument
@inputs_option
@click.option(
    "--size",
    type=int,
    help="Problem size: pixels per side (splat, lod, radiance, lumina), tokens (kv), bytes per node (cluster).",
)
@click.option(
    "--stalls",
    type=int,
    multiple=True,
    help="Probability of a memory pause per cycle, in 256ths; may be repeated. [default: 0 and 64]",
)
@dram_option
@config_option
@set_option
@out_dir_option
def sim(
    engine: Engine, inputs: tuple[str, ...], size: int | None, stalls: tuple[int, ...], dram: str,
    config_name: str, changes: tuple[str, ...], folder: Path | None,
) -> None:  # fmt: skip
    """Check whole workloads of ENGINE in RTL against its model.

    They run with and without random memory pauses; every word must equal the model's.
    """
    config = choose_config(engine.configs, config_name, changes)
    for rate in stalls:
        memory_settings(stalls=rate)
    given = {"size": size, "stalls": stalls or None, "dram": dram_named(dram)}
    options = {"inputs": inputs, **{name: value for name, value in given.items() if value is not None}}
    table = engine.suite().run_suite(config, folder or BUILD / "sim", **options)
    show_table(table.title, table.head, table.rows)
