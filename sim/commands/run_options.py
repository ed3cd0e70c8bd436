"""The options of every command that can run RTL, as one object."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

from fpga.port_names import BAUD, BAUDS, SIMULATED
from golden.errors import InputError
from hw.generate import config_hash
from sim.commands.options import (
    Configs,
    Decorator,
    OutputFile,
    WavesFile,
    config_options,
    dram_option,
    json_option,
)
from sim.kernel.compare import series
from sim.kernel.console import detail, out, show_json
from sim.kernel.dram import FLAT, dram_named
from sim.kernel.files import write_json
from sim.kernel.jobs import MemorySettings
from sim.kernel.run import Backend, Execute, Run, refuse_without_rtl
from sim.kernel.settings import choose_config
from sim.kernel.waves import Waves

BACKENDS = [backend.value for backend in Backend]
LIMITS = {
    "latency": (1, 900), "bandwidth": (1, 256), "stalls": (0, 240), "seed": (1, (1 << 31) - 1),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """What a command that can run RTL is told about the run."""

    config_name: str
    config: Any
    backend: Backend
    memory: MemorySettings
    check: bool
    waves: Waves | None
    report: Path | None
    as_json: bool
    board: Execute | None  #: of the backend `fpga`

    def keywords(self) -> dict[str, Any]:
        """For an engine's `run`."""
        return {
            "backend": self.backend, "memory": self.memory, "check": self.check, "waves": self.waves,
            "beside": self.report, "execute": self.board,
        }  # fmt: skip

    def finish(self, run: Run, report: Mapping[str, Any] | None = None) -> None:
        """Says what the run cost and writes its report, or `report` where a command adds to it."""
        if run.roofline:
            r = run.roofline
            useful = "" if r.useful is None else f", {r.useful:.1%} of the work useful"
            out.print(f"{r.cycles} cycles, bound {r.bound:.0f} ({r.limit}), ratio {r.ratio:.3f}{useful}")
        used = run.memory_use()
        if used:
            out.print("\n".join([used, *run.memory_parts()]))
        if run.checked:
            hardware = "board" if self.backend == Backend.FPGA else "RTL"
            out.print(f"{hardware} equals the model in all {run.words} words of {', '.join(stages(run))}")
        whole = run.report() if report is None else report
        if self.waves:
            out.print(f"{self.waves.path}: {self.waves.path.stat().st_size / 1e6:.1f} MB, cycle n is at n ns")
        if self.report:
            write_json(self.report, whole)
        if self.as_json:
            show_json(whole)
        out.print(f"{run.operation.engine} by {run.backend} in {run.took}")


def stages(run: Run) -> list[str]:
    """The stages that the results are of, each once, and each series of stages."""
    return list(dict.fromkeys(series(name.partition(".")[0]) for name in run.results))


def run_options(configs: Configs, *, memory: type[MemorySettings] = MemorySettings) -> Decorator:
    """What every command that can run RTL takes (config, backend, memory, report, …), as one argument `options`.

    `memory`: the engine's own settings, if the simulated surroundings have more of them; the command has an option for
    each further field and passes it on by the field's name.
    """
    extra = [name for name in memory.__dataclass_fields__ if name not in MemorySettings.__dataclass_fields__]

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def call(
            *, config_name: str, changes: tuple[str, ...], backend: str, check: bool, waves: Path | None,
            first: int, last: int | None, scope: str | None, report: Path | None, as_json: bool,
            dram: str, latency: int, bandwidth: int, stalls: int, seed: int, port: str | None, baud: int,
            **others: Any,
        ) -> None:  # fmt: skip
            refuse_without_rtl(Backend(backend), check=check, waves=waves is not None)
            own = {name: others.pop(name) for name in extra if name in others}
            told = {"dram": dram_named(dram), "latency": latency, "bandwidth": bandwidth, "stalls": stalls}
            options = RunOptions(
                config_name=config_name,
                config=choose_config(configs, config_name, changes),
                backend=Backend(backend),
                memory=memory_settings(memory, seed=seed, **told, **own),
                check=check,
                waves=_waves(waves, first, last, scope),
                report=report,
                as_json=as_json,
                board=_board(Backend(backend), port, baud),
            )
            refuse_memory_of_board(options.backend, options.memory)
            detail(f"config {config_name}, hash {config_hash(options.config)}")
            command(options=options, **others)

        decorated: Callable[..., None] = call

        for option in reversed(
            (
                *config_options(configs),
                click.option("--backend", default="rtl", show_default=True, type=click.Choice(BACKENDS),
                             help="What computes the result: Verilog, bit-true model, float reference, or a board."),
                click.option("--port", metavar="PORT",
                             help=f"Serial port of the board (--backend fpga); `{SIMULATED}`: a simulated board."),
                click.option("--baud", default=BAUD, show_default=True, help="Bits a second on that port."),
                click.option("--check", is_flag=True, help="Compare every word of the RTL's results with the model's."),
                click.option("--waves", type=WavesFile(), help="Waves of the RTL's run: .fst, .vcd, or .saif (sums)."),
                click.option("--waves-from", "first", default=0, show_default=True, help="First cycle of the waves."),
                click.option("--waves-to", "last", type=int, help="Last cycle of the waves. [default: all]"),
                click.option("--waves-scope", "scope", metavar="MODULE",
                             help="Only signals in this module or instance. [default: all]"),
                click.option("--report", type=OutputFile(), help="Write the report of the run to FILE as JSON."),
                json_option,
                dram_option,
                click.option("--latency", default=100, show_default=True, help="Latency of the memory, in cycles."),
                click.option("--bandwidth", default=256, show_default=True,
                             help="Bandwidth of the memory, in words per 256 cycles."),
                click.option("--stalls", default=0, show_default=True,
                             help="Probability of a memory pause per cycle, in 256ths."),
                click.option("--seed", default=1, show_default=True,
                             help="Seed of all random numbers: power-up state, pauses, made-up inputs."),
            )
        ):  # fmt: skip
            decorated = option(decorated)
        return decorated

    return decorate


def _board(backend: Backend, port: str | None, baud: int) -> Execute | None:
    """The way to the board.

    Raises:
        InputError: a board without a port, a port without a board, or no such speed.
    """
    if backend != Backend.FPGA:
        if port is not None or baud != BAUD:
            raise InputError(f"--port and --baud are of a board: they need --backend fpga, it is '{backend}'")
        return None
    if port is None:
        raise InputError(f"--backend fpga needs the board's --port, or --port {SIMULATED}")
    if not BAUDS[0] <= baud <= BAUDS[1]:
        raise InputError(f"--baud must lie in {BAUDS[0]}..{BAUDS[1]}, it is {baud}")
    from fpga.execute import executor  # the way to boards is not needed elsewhere

    return executor(port, baud)


def refuse_memory_of_board(backend: Backend, memory: MemorySettings) -> None:
    """A board has a memory of its own.

    Raises:
        InputError: a simulated memory was asked for.
    """
    if backend == Backend.FPGA and memory != type(memory)(seed=memory.seed):
        raise InputError(
            "a board has a memory of its own: leave out --dram, --latency, --bandwidth, --stalls, --pauses"
        )


def _waves(path: Path | None, first: int, last: int | None, scope: str | None) -> Waves | None:
    """What --waves and its companions ask for.

    Raises:
        InputError: a companion alone, or what `Waves` refuses.
    """
    if path:
        return Waves(path=path, first=first, last=last, scope=scope)
    for name, given in (("from", first != 0), ("to", last is not None), ("scope", scope is not None)):
        if given:
            raise InputError(f"--waves-{name} needs --waves FILE")
    return None


def memory_settings(kind: type[MemorySettings] = MemorySettings, **values: Any) -> MemorySettings:
    """Checked settings.

    Raises:
        InputError: a value out of range, or the flat memory's for a DRAM.
    """
    for name, (low, high) in LIMITS.items():
        if name in values and not low <= values[name] <= high:
            raise InputError(f"--{name} must lie in {low}..{high}, it is {values[name]}")
    if values.get("dram"):
        for name in ("latency", "bandwidth"):
            if values.get(name, getattr(kind, name)) != getattr(kind, name):
                raise InputError(f"--{name} is of the memory '{FLAT}', --dram is {values['dram'].name}")
    return kind(**values)
