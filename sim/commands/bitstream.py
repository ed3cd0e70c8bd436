"""`tessera bitstream`: an engine on a board."""

from __future__ import annotations

from pathlib import Path

import click

from hw.generate import config_hash
from sim.commands.options import config_options, engine_argument, json_option, out_dir_option
from sim.engines import Engine
from sim.kernel.console import out, show_json, show_table
from sim.kernel.files import require_writable, write_json
from sim.kernel.folders import BUILD
from sim.kernel.settings import choose_config
from sim.kernel.synth import TargetMissedError

nano_option, set_option = config_options(default="nano")
BOARDS = ("ulx3s-85f", "ecpix5", "orangecrab", "colorlight-i5")  # `fpga.boards.BOARDS`, which takes a second to import
TOPS = ("self-test", "host-link")  # `fpga.tops.TOPS`


@click.command()
@engine_argument
@click.option("--board", "board_name", required=True, type=click.Choice(BOARDS), help="Board to build for.")
@click.option(
    "--top",
    "top_name",
    default=TOPS[0],
    show_default=True,
    type=click.Choice(TOPS),
    help="What the board does: self-test runs a job it carries with it, host-link those of --backend fpga.",
)
@nano_option
@set_option
@click.option(
    "--seeds",
    default=5,
    show_default=True,
    type=click.IntRange(0, 100),
    help="Seeds of the placer, of which the fastest is kept; 0 synthesises only.",
)
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(1, 64), help="Seeds at a time.")
@click.option("--nextpnr", metavar="COMMAND", help="A nextpnr-ecp5 to place with, and options of it; default: pip's.")
@out_dir_option
@json_option
def bitstream(
    engine: Engine, board_name: str, top_name: str, config_name: str, changes: tuple[str, ...], seeds: int, jobs: int,
    nextpnr: str | None, folder: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Build a bitstream of ENGINE for an ECP5 board.

    The report has what the design takes of the device, the frequencies of all seeds and the slowest path. Exit 3:
    it does not fit, or the median seed is slower than the board's clock.
    """
    from fpga.boards import find_board
    from fpga.build import build
    from fpga.synthesis import NAMES

    config, board = choose_config(engine.configs, config_name, changes), find_board(board_name)
    label = "-".join([engine.name, config_name, *([config_hash(config)] if changes else [])])
    folder = folder or BUILD / "bitstream" / label / f"{board.name}-{top_name}"
    report_file = folder / "report.json"
    require_writable(report_file)
    built = build(engine, config, board, folder, top=top_name, seeds=seeds, jobs=jobs, nextpnr=nextpnr)
    report, fmax = built.report(), built.fmax()
    write_json(report_file, report)
    show_table(
        f"{engine.name}, config {', '.join((config_name, *changes))}: {top_name} on {board.title}",
        ("resource", "used", "of", "share"),
        (
            (NAMES[name], row["used"], row["available"], f"{row['used'] / row['available']:.0%}")
            for name, row in report["resources"].items()
        ),
    )  # fmt: skip
    if built.netlist.dsp_in_lut:
        out.print(f"{built.netlist.dsp_in_lut} narrow multiplications are look-up tables")
    if as_json:
        show_json(report)
    if fmax is None:
        out.print(f"{report_file}: synthesised, not placed")
        return
    out.print(f"{built.file}: USERCODE {report['usercode']}")
    out.print(f"{report_file}: {fmax['min']} to {fmax['max']} MHz, median {fmax['median']}, of {seeds} seeds")
    out.print(f"slowest path: {' → '.join(built.best.worst_path)}")
    if fmax["median"] < board.clock_mhz:
        raise TargetMissedError(
            f"{engine.name} on {board.name} must reach {board.clock_mhz:g} MHz, its median seed has {fmax['median']}"
        )
