"""An engine on a board as a bitstream: synthesis, a sweep of seeds, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from fpga.boards import Board
from fpga.placement import Nextpnr, Placed, find_nextpnr, pack, place
from fpga.synthesis import NAMES, Netlist, require_fit, synthesise_top
from fpga.tops import TOPS
from golden.errors import InputError
from hw.generate import config_hash
from sim.engines import Engine
from sim.kernel.console import step

SCHEMA = 1  # of the report
HASH_DIGITS = 8  # of the config's hash that go into the bitstream's USERCODE of 32 bits


@dataclass(frozen=True, kw_only=True)
class Bitstream:
    """What was built."""

    engine: Engine
    config: Any
    board: Board
    top: str
    netlist: Netlist
    nextpnr: Nextpnr
    seeds: Sequence[Placed]
    file: Path | None  #: None: only synthesised

    @property
    def best(self) -> Placed:
        """The fastest seed, which the bitstream is of."""
        return max(self.seeds, key=lambda placed: placed.fmax_mhz)

    def fmax(self) -> dict[str, float] | None:
        """MHz of the seeds."""
        found = [placed.fmax_mhz for placed in self.seeds]
        return {"min": min(found), "median": median(found), "max": max(found)} if found else None

    def report(self) -> dict[str, Any]:
        """As JSON."""
        device, used = self.board.device, self.netlist.used
        return {
            "schema": SCHEMA,
            "engine": self.engine.name,
            "config_hash": config_hash(self.config),
            "usercode": f"{usercode(self.config):08x}",
            "top": self.top,
            "board": self.board.name,
            "device": self.board.platform().device,
            "clock_mhz": self.board.clock_mhz,
            "resources": {name: {"used": used[name], "available": getattr(device, name)} for name in NAMES},
            "dsp_in_lut": self.netlist.dsp_in_lut,
            "nextpnr": {"version": self.nextpnr.version, "options": " ".join(self.nextpnr.options)},
            "fmax_mhz": self.fmax(),
            "worst_path": self.best.worst_path if self.seeds else None,
            "seeds": [{"seed": p.seed, "fmax_mhz": p.fmax_mhz, "sites": p.used} for p in self.seeds],
            "bitstream": str(self.file) if self.file else None,
        }


def usercode(config: Any) -> int:
    """What a programmer reads back of a configured device: the begin of the config's hash."""
    return int(config_hash(config)[:HASH_DIGITS], 16)


def build(
    engine: Engine, config: Any, board: Board, folder: Path, *, top: str = "self-test", seeds: int = 5, jobs: int = 1,
    nextpnr: str | None = None,
) -> Bitstream:  # fmt: skip
    """Synthesises the top, places it with `seeds` seeds, `jobs` at a time, and packs the fastest; 0: only synthesises.

    Args:
        nextpnr: a program to place with, and options of it; None: the one that pip brings. Without options it gets
            the engine's.

    Raises:
        InputError: no such top or program. SynthesisError: a tool failed.
        TargetMissedError: the device has too little of something; the message says of what.
    """
    if top not in TOPS:
        raise InputError(f"top must be one of {', '.join(TOPS)}, it is '{top}'")
    placer = find_nextpnr(nextpnr, engine.placing)
    with step(f"synthesising {engine.name} for {board.name}"):
        netlist = synthesise_top(TOPS[top](engine, config, board), board, folder)
    require_fit(netlist, board.device, f"{engine.name} on {board.name}")
    with step(f"placing {engine.name}"), ThreadPoolExecutor(max_workers=jobs) as pool:
        placed = list(pool.map(lambda seed: place(netlist, board, seed, placer), range(1, seeds + 1)))
    file = folder / f"{engine.name}-{board.name}-{top}.bit" if placed else None
    built = Bitstream(
        engine=engine, config=config, board=board, top=top, netlist=netlist, nextpnr=placer, seeds=placed, file=file
    )  # fmt: skip
    if file:
        pack(built.best, board, file, usercode=usercode(config))
    return built
