"""The table of tops: what a board does with an engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amaranth.lib import wiring

from fpga.block_ram import BlockRam
from fpga.boards import Board
from fpga.host_top import HostTop
from fpga.port_names import BAUD
from fpga.sdram import Sdram
from fpga.self_test import SelfTest
from sim.engines import Engine

BRAM_BYTES = 2048  # that a DP16KD gives to words of 8, 16, 32 … bits
MEMORY_SHARE = 0.4
#: Of an engine, its config and a board, a component as `BoardTop` wants it.
MakeTop = Callable[[Engine, Any, Board], wiring.Component]


def self_test(engine: Engine, config: Any, board: Board) -> SelfTest:
    """The engine runs a job that it carries with it; see `SelfTest`."""
    return SelfTest(
        name=engine.name, engine=engine.top(config), config=config, vectors=engine.self_test().vectors(config),
        divisor=board.divisor,
    )  # fmt: skip


def host_link(engine: Engine, config: Any, board: Board) -> HostTop:
    """A host gives the engine its jobs; see `HostTop`.

    Its memory is the board's SDRAM; where there is none, block RAM, of which it takes two fifths at most.
    """
    width = 8 * config.word_bytes
    if board.sdram:
        memory_bytes = board.sdram.size
        memory = Sdram(width=width, chip=board.sdram, clocks=board.sdram.clocks(board.clock_mhz))
    else:
        memory_bytes = 1 << int(MEMORY_SHARE * board.device.bram * BRAM_BYTES).bit_length() - 1
        memory = BlockRam(width=width, words=memory_bytes // config.word_bytes)
    return HostTop(
        name=engine.name, config=config, engine=engine.top(config), memory_bytes=memory_bytes,
        memory=memory, divisor=round(board.clock_mhz * 1e6 / BAUD),
    )  # fmt: skip


TOPS: dict[str, MakeTop] = {"self-test": self_test, "host-link": host_link}
