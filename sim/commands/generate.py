"""`tessera generate`: Verilog, ports and config of an engine."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from amaranth.lib import wiring

from golden.errors import InputError
from hw.bus.axi_stream_stage import AxiStreamStage
from hw.bus.build import JOB_REMARK, STREAM_REMARK, engine_on_bus
from hw.bus.config import BusConfig, BusEngineConfig
from hw.generate import config_hash
from hw.generate import generate as generate_design
from sim.commands.handover import make_product
from sim.commands.options import config_option, design_argument, out_dir_option, set_option
from sim.engines import ENGINES, Engine
from sim.handover.package import require_new_folder, write_package
from sim.kernel.bus import MEMORY_BUS, STREAM_BUS, bus_named
from sim.kernel.console import out, step
from sim.kernel.files import require_writable, write_text
from sim.kernel.report import commit
from sim.kernel.settings import choose_config

DEFAULT_FOLDER = Path("build", "verilog")


@dataclass(frozen=True)
class Product:
    """What is generated, and how it is called."""

    component: wiring.Component
    module: str
    file: str
    config: Any
    options: dict[str, str]  #: for `hw.generate.generate`


@click.command()
@design_argument
@config_option
@set_option
@out_dir_option
@click.option("--prefix", default="", help="Prefix of every module's name, so that two configs fit into one design.")
@click.option(
    "--bus",
    "bus_text",
    metavar="axi4[,FIELD=VALUE]…",
    help="AXI4 to memory and AXI4-Lite to control registers; or axi4-stream, of a --stage.",
)
@click.option("--stage", help="Only this block of the engine, as `tessera synth` lists them.")
@click.option(
    "--package",
    "package",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write a package instead: RTL with --bus axi4, registers, constraints, test, README.",
)
def generate(
    engine: Engine, config_name: str, changes: tuple[str, ...], folder: Path | None, prefix: str,
    bus_text: str | None, stage: str | None, package: Path | None,
) -> None:  # fmt: skip
    """Write ENGINE's Verilog, and a JSON file about it.

    The JSON file has ports, fields, counters, config and the config's hash. Both files are named by engine, config and
    hash, and go to build/verilog in the current folder unless --out names another.
    """
    config = choose_config(engine.configs, config_name, changes)
    if prefix and not re.fullmatch(r"[A-Za-z]\w*", prefix, re.ASCII):
        raise InputError(f"--prefix must be a letter and then letters, digits and underscores, it is '{prefix}'")
    begin = f"{prefix}_" if prefix else ""
    if package:
        _package(engine, config_name, changes, config, bus_text, stage, begin, package)
        return
    product = _product(engine, config_name, config, bus_text, stage)
    name = f"{begin}{product.file}"
    verilog, description = ((folder or DEFAULT_FOLDER) / f"{name}.{kind}" for kind in ("v", "json"))
    require_writable(verilog)
    require_writable(description)
    with step(f"generating {engine.name}"):
        label = ", ".join([config_name, *changes])
        design = generate_design(
            product.component, product.module, product.config, label=label, prefix=begin, **product.options
        )
    write_text(verilog, design.verilog)
    write_text(description, design.description(commit()))
    out.print(f"{verilog}: {len(design.verilog.splitlines())} lines, config {design.config_hash}")


def _package(
    engine: Engine, config_name: str, changes: tuple[str, ...], config: Any, bus_text: str | None, stage: str | None,
    prefix: str, folder: Path,
) -> None:  # fmt: skip
    """Writes a package.

    Raises:
        InputError: it is not of a whole engine with AXI4, or the folder is not free.
    """
    if engine.name not in ENGINES:
        raise InputError(f"--package is of an engine, {engine.name} is a composition of several")
    bus = bus_named(bus_text or MEMORY_BUS)
    if stage or bus is None:
        raise InputError(f"--package is of a whole engine with --bus {MEMORY_BUS}")
    require_new_folder(folder)
    product = make_product(engine, config_name, changes, config, bus, prefix=prefix)
    write_package(product, folder, engine.memory_map(), commit=commit())
    out.print(f"{folder}: {product.title}; README.md says what is what")


def _product(engine: Engine, config_name: str, config: Any, bus_text: str | None, stage: str | None) -> Product:
    """What the options ask for.

    Raises:
        InputError: they do not go together.
    """
    bus = bus_named(bus_text) if bus_text else None
    streams = bus_text is not None and bus is None
    if streams and not stage:
        raise InputError(f"--bus {STREAM_BUS} needs --stage, the engine's own border is memory: --bus {MEMORY_BUS}")
    if bus and stage:
        raise InputError(f"--bus {MEMORY_BUS} is of a whole engine, for --stage there is {STREAM_BUS}")
    if stage:
        blocks = engine.catalogue(config)
        if stage not in blocks:
            raise InputError(f"--stage must be one of {', '.join(blocks)}, it is '{stage}'")
        block = blocks[stage].make()
        file = f"{engine.name}-{stage}-{config_name}-{config_hash(config)}"
        if not streams:
            return Product(block, stage, file, config, {"remark": ""})
        return Product(
            AxiStreamStage(block), f"{stage}_axi4_stream", f"{file}-{STREAM_BUS}", config, {"remark": STREAM_REMARK}
        )
    file = f"{engine.name}-{config_name}-{config_hash(config)}"
    if not bus:
        return Product(engine.top(config), engine.name, file, config, {})
    whole = BusEngineConfig(engine=config, bus=bus)
    changed = "" if bus == BusConfig() else f"-{config_hash(bus)}"
    component = engine_on_bus(engine.top(config), engine.name, config, bus)
    return Product(component, f"{engine.name}_axi4", f"{file}-{MEMORY_BUS}{changed}", whole, {"remark": JOB_REMARK})
