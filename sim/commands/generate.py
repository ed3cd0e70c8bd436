"""`tessera generate`: Verilog, ports and config of an engine."""

from __future__ import annotations

import re
from pathlib import Path

import click

from golden.errors import InputError
from hw.generate import config_hash
from hw.generate import generate as generate_design
from sim.commands.options import config_option, engine_argument, out_dir_option, set_option
from sim.engines import Engine
from sim.kernel.console import out, step
from sim.kernel.files import require_writable, write_text
from sim.kernel.report import commit
from sim.kernel.settings import choose_config

DEFAULT_FOLDER = Path("build", "verilog")


@click.command()
@engine_argument
@config_option
@set_option
@out_dir_option
@click.option("--prefix", default="", help="Prefix of every module's name, so that two configs fit into one design.")
def generate(engine: Engine, config_name: str, changes: tuple[str, ...], folder: Path | None, prefix: str) -> None:
    """Write ENGINE's Verilog, and a JSON file about it.

    The JSON file has ports, fields, counters, config and the config's hash. Both files are named by engine, config and
    hash, and go to build/verilog in the current folder unless --out names another.
    """
    config = choose_config(engine.configs, config_name, changes)
    if prefix and not re.fullmatch(r"[A-Za-z]\w*", prefix, re.ASCII):
        raise InputError(f"--prefix must be a letter and then letters, digits and underscores, it is '{prefix}'")
    begin = f"{prefix}_" if prefix else ""
    name = f"{begin}{engine.name}-{config_name}-{config_hash(config)}"
    verilog, description = ((folder or DEFAULT_FOLDER) / f"{name}.{kind}" for kind in ("v", "json"))
    require_writable(verilog)
    require_writable(description)
    with step(f"generating {engine.name}"):
        label = ", ".join([config_name, *changes])
        design = generate_design(engine.top(config), engine.name, config, label=label, prefix=begin)
    write_text(verilog, design.verilog)
    write_text(description, design.description(commit()))
    out.print(f"{verilog}: {len(design.verilog.splitlines())} lines, config {design.config_hash}")
