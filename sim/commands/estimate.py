"""`tessera estimate`: area and clock of an engine in a technology."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from golden.errors import InputError
from hw.generate import config_dict, config_hash
from sim.commands.options import choice_argument, config_options, json_option, out_dir_option
from sim.engines import ENGINES
from sim.estimate import tables
from sim.estimate.estimate import estimate as estimated
from sim.estimate.foreign import read_verilog
from sim.estimate.pictures import draw_bars, draw_treemap
from sim.estimate.report import make_report, read_report
from sim.estimate.scaling import require_node
from sim.estimate.sram import memory_model
from sim.estimate.sta import PACKAGE, installed
from sim.estimate.technology import NAMED, Technology, from_files, named
from sim.kernel.console import note, out, show_json, show_table
from sim.kernel.designs import design
from sim.kernel.files import require_writable, write_json
from sim.kernel.folders import BUILD
from sim.kernel.settings import choose_config

FOLDER = BUILD / "estimate"
UNITS = FOLDER / "units"
config_option, set_option = config_options()
FilePath = click.Path(path_type=Path, dir_okay=False)


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is estimated."""

    name: str
    config: str  #: name of the config; "" for a design that is no engine
    config_hash: str | None
    settings: dict[str, Any]
    rtlil: Callable[[], str]


@click.command()
@choice_argument("engine", ENGINES, required=False)
@config_option
@set_option
@click.option(
    "--technology",
    "name",
    default="embedded",
    show_default=True,
    type=click.Choice(NAMED),
    help="Library of cells; all but `embedded` lie in the data folder.",
)
@click.option("--liberty", multiple=True, type=FilePath, help="A library of your own; may be repeated. Plain or .gz.")
@click.option("--macros", multiple=True, type=FilePath, help="Liberty file of an SRAM macro; may be repeated.")
@click.option("--library-node", type=int, metavar="NM", help="Node of --liberty's library.")
@click.option("--period", default=1000, show_default=True, metavar="PS", help="What --liberty's cells are sized for.")
@click.option("--node", type=int, metavar="NM", help="Scale the result to this node too.")
@click.option("--verilog", multiple=True, type=FilePath, help="Estimate this Verilog instead; may be repeated.")
@click.option("--top", help="Top module of --verilog.")
@click.option("--flat", is_flag=True, help="Map the design as one module, to see what borders cost.")
@click.option("--compare", "pair", nargs=2, type=FilePath, help="Two reports side by side instead.")
@out_dir_option
@json_option
def estimate(
    engine: str | None, config_name: str, changes: tuple[str, ...], name: str, liberty: tuple[Path, ...],
    macros: tuple[Path, ...], library_node: int | None, period: int, node: int | None, verilog: tuple[Path, ...],
    top: str | None, flat: bool, pair: tuple[Path, Path] | None, folder: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Estimate area, leakage and clock of ENGINE.

    The generated design is mapped to the cells of a technology, each unique module once; memories are macros or a
    fitted model. docs/estimate.md says how far to trust it.
    """
    if pair:
        _compare(*pair, as_json)
        return
    if node is not None:
        require_node(node)
    subject = _subject(engine, config_name, changes, verilog, top)
    technology = _technology(name, liberty, library_node, period)
    model = memory_model(technology, macros)
    folder = folder or FOLDER
    path = folder / f"{'-'.join(filter(None, (subject.name, subject.config, technology.name)))}.json"
    require_writable(path)
    if not installed():
        note(f"no OpenSTA (`{PACKAGE}`): periods are abc's, by a measured factor; docs/estimate.md has the error")
    found = estimated(
        subject.rtlil(), top or subject.name, technology, model, UNITS, workers=os.cpu_count() or 1, flat=flat
    )
    report = make_report(
        found, engine=subject.name, config=subject.config, config_hash=subject.config_hash, settings=subject.settings,
        node_nm=node,
    )  # fmt: skip
    write_json(path, report)
    for kind in ("svg", "png"):
        draw_treemap(report, path.with_name(f"{path.stem}-tree.{kind}"))
        draw_bars(report, path.with_name(f"{path.stem}-top.{kind}"))
    _show(report)
    out.print(f"{path} and its pictures -tree and -top, .svg and .png")
    if as_json:
        show_json(report)


def _compare(first: Path, second: Path, as_json: bool) -> None:
    reports = [read_report(path) for path in (first, second)]
    rows = list(tables.compare_rows(*reports))
    show_table(f"{first} beside {second}", tables.COMPARE_HEAD, rows)
    if as_json:
        show_json([dict(zip(("what", *tables.COMPARE_HEAD[1:]), row, strict=True)) for row in rows])


def _subject(
    engine: str | None, config_name: str, changes: tuple[str, ...], verilog: tuple[Path, ...], top: str | None
) -> Subject:
    """The engine, or the Verilog that is given instead.

    Raises:
        InputError: neither or both are named, or a part of one is missing.
    """
    if bool(verilog) == bool(engine) or bool(verilog) != bool(top):
        raise InputError("estimate takes an ENGINE, or --verilog FILE with --top NAME")
    if top:
        return Subject(name=top, config="", config_hash=None, settings={}, rtlil=lambda: read_verilog(verilog, top))
    entry = ENGINES[str(engine)]
    config = choose_config(entry.configs, config_name, changes)
    label = f"{config_name}-{config_hash(config)}" if changes else config_name
    return Subject(
        name=entry.name, config=label, config_hash=config_hash(config), settings=config_dict(config),
        rtlil=lambda: design(lambda: entry.top(config), entry.name, config).rtlil,
    )  # fmt: skip


def _technology(name: str, liberty: tuple[Path, ...], node_nm: int | None, period_ps: int) -> Technology:
    """The named one, or one of the user's files.

    Raises:
        InputError: files are missing, an option is for files alone, or a value is out of range.
    """
    if not liberty:
        if node_nm is not None:
            raise InputError("--library-node is of a library named by --liberty, a named technology knows its own")
        return named(name)
    if not 10 <= period_ps <= 1_000_000:
        raise InputError(f"--period must lie in 10..1000000 ps, it is {period_ps}")
    if node_nm is not None:
        require_node(node_nm)
    return from_files(liberty, name=liberty[0].name.partition(".")[0], node_nm=node_nm, period_ps=period_ps)


def _show(report: Mapping[str, Any]) -> None:
    """The report for people."""
    show_table(f"{report['engine']}, {report['technology']}", tables.TREE_HEAD, tables.tree_rows(report))
    show_table("largest modules, without those below them", tables.TOP_HEAD, tables.top_rows(report))
    show_table("slowest modules", tables.SLOW_HEAD, tables.slow_rows(report), left=("from", "to"))
    out.print(tables.headline(report))
    if "scaled" in report:
        out.print(tables.scaled_line(report))
