"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from sim.engines import DESIGNS, ENGINES
from sim.kernel.console import hush, tell_all, warn
from sim.kernel.dram import DRAMS, FLAT
from sim.kernel.files import require_writable
from sim.kernel.settings import field_names
from sim.kernel.waves import fst_possible

DRAM_HELP = (
    f"Memory behind the engine: one of {', '.join((FLAT, *DRAMS))}, with fields changed as in lpddr4,channels=8. "
    f"{FLAT} is that of --latency and --bandwidth."
)
dram_option = click.option("--dram", default=FLAT, show_default=True, metavar="NAME[,FIELD=VALUE]…", help=DRAM_HELP)

C = TypeVar("C", bound=click.Command)
Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]
Configs = Mapping[str, Callable[[], Any]]


def choice_argument(
    name: str, choices: Iterable[str], *, metavar: str = "ENGINE", required: bool = True, **others: Any
) -> Decorator:
    """An argument with its choices in the help, in refusals, and in shell completion."""
    known = list(choices)
    return click.argument(
        name, metavar=metavar, type=click.Choice(known), required=required, help=f"One of {', '.join(known)}.", **others
    )


engine_argument = choice_argument("engine", ENGINES, callback=lambda _, __, name: ENGINES.get(name))
#: An engine, or a composition of several.
design_argument = choice_argument("engine", DESIGNS, callback=lambda _, __, name: DESIGNS.get(name))


def config_options(configs: Configs | None = None, *, default: str = "default") -> tuple[Decorator, Decorator]:
    """--config, with the names there are, and --set; without `configs` for whatever engine a command is called with."""
    every = [configs] if configs else [engine.configs for engine in ENGINES.values()]
    names = dict.fromkeys(name for known in every for name in known)

    def fields(_: click.Context, __: click.Parameter, begun: str) -> list[str]:
        return [f"{name}=" for known in every for name in field_names(known["default"]()) if name.startswith(begun)]

    return (
        click.option("--config", "config_name", default=default, show_default=True, type=click.Choice(list(names)),
                     help="Named configuration of the engine."),
        click.option("--set", "changes", multiple=True, metavar="FIELD=VALUE", shell_complete=fields,
                     help="Change one field of the config; may be repeated. `tessera config` lists the fields."),
    )  # fmt: skip


config_option, set_option = config_options()
inputs_option = click.option(
    "--input",
    "inputs",
    multiple=True,
    help="Scene, tree, stream or collective to run; may be repeated. [default: all known]",
)
names_option = click.option(
    "--names", metavar="PATTERN",
    help="Names of the tensors of STREAM's layers, as in layers.{layer}.{part}; the parts are key, value, query.",
)  # fmt: skip
out_dir_option = click.option(
    "-o", "--out", "folder", type=click.Path(path_type=Path, file_okay=False), help="Folder for the output files."
)


def _if_set(act: Callable[[], None]) -> Callable[[click.Context, click.Parameter, bool], bool]:
    def call(_: click.Context, __: click.Parameter, value: bool) -> bool:
        if value:
            act()
        return value

    return call


def output_options(command: C) -> C:
    """--quiet and --verbose, which every command has; they act at once and are no argument of it."""
    for name, act, text in (
        ("quiet", hush, "Print only warnings and errors."),
        ("verbose", tell_all, "Say on stderr where builds lie and what is reused."),
    ):
        flags = (f"-{name[0]}", f"--{name}")
        click.option(*flags, is_flag=True, expose_value=False, is_eager=True, callback=_if_set(act), help=text)(command)
    return command


json_option = click.option(
    "--json",
    "as_json",
    is_flag=True,
    is_eager=True,
    callback=_if_set(hush),
    help="Print JSON on stdout, and nothing else there.",
)


class OutputFile(click.Path):
    """A file to write: whether it can be written is looked at before any work."""

    def __init__(self) -> None:
        super().__init__(path_type=Path, dir_okay=False)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        path = Path(value)
        require_writable(path)
        return path


class WavesFile(OutputFile):
    """A .fst or .vcd file; where Verilator cannot write FST it becomes a .vcd, and a line says so."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        path = super().convert(value, param, ctx)
        if path.suffix != ".fst" or fst_possible():
            return path
        warn(f"{path}: FST needs the Debian packages liblz4-dev and zlib1g-dev; waves go to {path.stem}.vcd instead")
        return super().convert(path.with_suffix(".vcd"), param, ctx)
