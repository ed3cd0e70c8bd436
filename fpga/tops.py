"""The table of tops: what a board does with an engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amaranth.lib import wiring

from fpga.boards import Board
from fpga.self_test import SelfTest
from sim.engines import Engine

#: Of an engine, its config and a board, a component as `BoardTop` wants it.
MakeTop = Callable[[Engine, Any, Board], wiring.Component]


def self_test(engine: Engine, config: Any, board: Board) -> SelfTest:
    """The engine runs a job that it carries with it; see `SelfTest`."""
    return SelfTest(
        name=engine.name, engine=engine.top(config), config=config, vectors=engine.self_test().vectors(config),
        divisor=board.divisor,
    )  # fmt: skip


TOPS: dict[str, MakeTop] = {"self-test": self_test}
