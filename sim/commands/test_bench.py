"""`tessera test-bench`: a bench of the user's own."""

from __future__ import annotations

from pathlib import Path

import click

from golden.errors import InputError
from sim.commands.handover import make_product
from sim.commands.options import config_options, engine_argument, out_dir_option
from sim.engines import Engine
from sim.handover.bench import write_bench
from sim.handover.package import require_new_folder
from sim.kernel.bus import MEMORY_BUS, bus_named
from sim.kernel.console import out
from sim.kernel.files import write_text
from sim.kernel.settings import choose_config

tiny_option, set_option = config_options(default="tiny")


@click.command(name="test-bench")
@engine_argument
@tiny_option
@set_option
@click.option(
    "--bus", "bus_text", default=MEMORY_BUS, show_default=True, metavar="axi4[,FIELD=VALUE]…", help="The engine's bus."
)
@out_dir_option
def test_bench(
    engine: Engine, config_name: str, changes: tuple[str, ...], bus_text: str, folder: Path | None
) -> None:  # fmt: skip
    """Write a cocotb bench of ENGINE that runs as it stands.

    The folder (ENGINE-bench, unless --out names another) gets the Verilog, a job with the result that it must have,
    tests on cocotbext-axi's memory and master, and run.py, which runs them in Icarus, or in the simulator of SIM.
    """
    config = choose_config(engine.configs, config_name, changes)
    bus = bus_named(bus_text)
    if bus is None:
        raise InputError(f"--bus must be {MEMORY_BUS}, it is '{bus_text}'")
    folder = folder or Path(f"{engine.name}-bench")
    require_new_folder(folder)
    product = make_product(engine, config_name, changes, config, bus)
    verilog = f"{product.design.name}.v"
    write_text(folder / verilog, product.design.verilog)
    write_bench(product, folder, rtl=Path(verilog))
    out.print(f"{folder}: run it by python {folder / 'run.py'}")
