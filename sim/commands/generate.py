"""`tessera generate`: Verilog, ports and config of an engine."""

from __future__ import annotations

from pathlib import Path

import click

from hw.generate import generate as generate_design
from sim.commands.options import config_option, engine_argument, out_dir_option, set_option
from sim.engines import Engine
from sim.kernel.console import out, step
from sim.kernel.files import write_text
from sim.kernel.runner import BUILD
from sim.kernel.settings import choose_config


@click.command()
@engine_argument
@config_option
@set_option
@out_dir_option
def generate(engine: Engine, config_name: str, changes: tuple[str, ...], folder: Path | None) -> None:
    """Write ENGINE's Verilog, and its ports and config as JSON."""
    config = choose_config(engine.configs, config_name, changes)
    folder = folder or BUILD / "verilog"
    with step(f"generating {engine.name}"):
        design = generate_design(engine.top(config), engine.name, config, label=", ".join([config_name, *changes]))
    write_text(folder / f"{engine.name}.v", design.verilog)
    write_text(folder / f"{engine.name}.json", design.description())
    out.print(f"{folder / engine.name}.v: {len(design.verilog.splitlines())} lines, config {design.config_hash}")
