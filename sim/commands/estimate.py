"""`tessera estimate`: area and clock of an engine in a technology."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from golden.errors import InputError
from hw.generate import config_dict, config_hash
from sim.commands.estimate_energy import estimate_energy
from sim.commands.estimate_sweep import estimate_sweep
from sim.commands.options import choice_argument, config_options, json_option, out_dir_option
from sim.engines import ENGINES
from sim.estimate import tables
from sim.estimate.energy import METHODS
from sim.estimate.estimate import estimate as estimated
from sim.estimate.foreign import read_verilog
from sim.estimate.pictures import draw_bars, draw_treemap
from sim.estimate.report import make_report, read_report
from sim.estimate.scaling import require_node
from sim.estimate.sram import memory_model
from sim.estimate.sta import PACKAGE, installed
from sim.estimate.sweep import Plan
from sim.estimate.technology import NAMED, Technology, from_files, named
from sim.kernel.console import note, out, show_json, show_table
from sim.kernel.designs import design
from sim.kernel.files import require_writable, write_json
from sim.kernel.folders import BUILD
from sim.kernel.settings import choose_config

FOLDER = BUILD / "estimate"
UNITS = FOLDER / "units"
WINDOW = 6000  #: cycles of a run that replay, unless more are asked for: waves of 1.1 GB were not all of lod's sample
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
@click.option(
    "--energy",
    "methods",
    multiple=True,
    type=click.Choice(METHODS),
    help="Energy of a small run instead, by replay at gate level, SAIF or counters; may be repeated.",
)
@click.option("--saif", type=FilePath, help="For --energy toggles: --waves FILE.saif of a run. [default: ours]")
@click.option(
    "--cycles", "window", type=click.IntRange(16), help=f"Cycles that --energy gates replays. [default: {WINDOW}]"
)
@click.option("--clock", default=1000.0, show_default=True, help="MHz at which --energy counts leakage.")
@click.option("--sweep", "sweeps", multiple=True, metavar="FIELD=V1,V2,…", help="Sweep a field; may be repeated.")
@click.option("--cluster", metavar="N|slurm|lsf", help="Sweep on Dask: N workers here, or a batch system.")
@click.option("--input", "source", help="Scene, tree, stream, … of the run. [default: a small one, built in]")
@click.option("--size", type=int, help="Its size: pixels a side, tokens (kv), bytes a node (cluster).")
@click.option("--compare", "pair", nargs=2, type=FilePath, help="Two reports side by side instead.")
@out_dir_option
@json_option
def estimate(
    engine: str | None, config_name: str, changes: tuple[str, ...], name: str, liberty: tuple[Path, ...],
    macros: tuple[Path, ...], library_node: int | None, period: int, node: int | None, verilog: tuple[Path, ...],
    top: str | None, flat: bool, methods: tuple[str, ...], saif: Path | None, window: int | None, clock: float,
    sweeps: tuple[str, ...], cluster: str | None, source: str | None, size: int | None,
    pair: tuple[Path, Path] | None, folder: Path | None, as_json: bool,
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
    _require_together(engine, methods, sweeps, saif=saif, window=window, cluster=cluster, source=source, size=size)
    subject = _subject(engine, config_name, changes, verilog, top)
    technology = _technology(name, liberty, library_node, period)
    folder = folder or FOLDER
    if sweeps:
        plan = Plan(
            engine=ENGINES[str(engine)], config_name=config_name, changes=changes, technology=technology,
            source=source, size=size, folder=FOLDER / "points", units=UNITS,
        )  # fmt: skip
        estimate_sweep(plan, sweeps, cluster, folder, as_json)
        return
    model = memory_model(technology, macros)
    if methods:
        entry = ENGINES[str(engine)]
        made = entry.sample().sample(choose_config(entry.configs, config_name, changes), source=source, size=size)
        path = folder / f"energy-{subject.name}-{subject.config}-{technology.name}.json"
        estimate_energy(
            made, technology, model, methods, saif=saif, clock_mhz=clock, window=window or WINDOW, units=UNITS,
            path=path, as_json=as_json,
        )  # fmt: skip
        return
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


def _require_together(
    engine: str | None, methods: Sequence[str], sweeps: Sequence[str], *, saif: Path | None, window: int | None,
    cluster: str | None, source: str | None, size: int | None,
) -> None:  # fmt: skip
    """Options that mean nothing alone.

    Raises:
        InputError: one is given alone.
    """
    if (methods or sweeps) and engine is None:
        raise InputError("--energy and --sweep are of an ENGINE, none is named")
    if methods and sweeps:
        raise InputError("--energy is of one config, --sweep of many: give one of them")
    rules = (
        ("--saif", saif is not None, "--energy toggles", "toggles" in methods),
        ("--cycles", window is not None, "--energy gates", "gates" in methods),
        ("--cluster", cluster is not None, "--sweep", bool(sweeps)),
        ("--input", source is not None, "--energy or --sweep", bool(methods or sweeps)),
        ("--size", size is not None, "--energy or --sweep", bool(methods or sweeps)),
    )
    for name, given, needed, there in rules:
        if given and not there:
            raise InputError(f"{name} goes with {needed}")


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
