"""`tessera generate`: Verilog, ports and config of an engine."""

from __future__ import annotations

from pathlib import Path

import click

from hw.generate import generate as generate_design
from sim.commands.options import config_option, out_dir_option, set_option
from sim.engines import find_engine
from sim.kernel.console import out, step
from sim.kernel.files import write_text
from sim.kernel.runner import BUILD
from sim.kernel.settings import choose_config


@click.command()
@click.argument("engine")
@config_option
@set_option
@out_dir_option
def generate(engine: str, config_name: str, changes: tuple[str, ...], folder: Path | None) -> None:
    """Write ENGINE's Verilog and, beside it, a JSON file with ports, config and the config's hash."""
    entry = find_engine(engine)
    config = choose_config(entry.configs, config_name, changes)
    folder = folder or BUILD / "verilog"
    with step(f"generating {engine}"):
        design = generate_design(entry.top(config), engine, config, label=", ".join([config_name, *changes]))
    write_text(folder / f"{engine}.v", design.verilog)
    write_text(folder / f"{engine}.json", design.description())
    out.print(f"{folder / engine}.v: {len(design.verilog.splitlines())} lines, config {design.config_hash}")
