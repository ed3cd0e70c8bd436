"""The post-synthesis netlist of a board says pass where the model does, and nothing else."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fpga.boards import find_board
from fpga.netlist_run import cell_models, run_netlist
from fpga.self_test import SelfTest
from fpga.synthesis import TOP, synthesise_top
from fpga.tops import TOPS
from hw.generate import config_hash
from sim.engines import ENGINES
from tests.fpga.engine import Copier, CopyConfig, copy_vectors

#: A line of 4 clock cycles a bit in place of 434: a simulator's time goes to the engine, not to waiting for bits.
BOARD = replace(find_board("ulx3s-85f"), baud=12_500_000)
CYCLES = 200_000
pytestmark = pytest.mark.skipif(
    shutil.which("iverilog") is None, reason="the program 'iverilog' is not installed (Debian package iverilog)"
)


def test_models_are_those_that_a_netlist_needs() -> None:
    text = cell_models("  CCU2C #(\n  ) x (\n  TRELLIS_FF #(")
    assert set(re.findall(r"^module (\w+)", text, re.MULTILINE)) == {"CCU2C", "LUT2", "LUT4", "TRELLIS_FF"}
    assert text.count("endmodule") == 4


def copier() -> SelfTest:
    return SelfTest(
        name="copy", engine=Copier(), config=CopyConfig(), vectors=copy_vectors(), divisor=BOARD.divisor
    )  # fmt: skip


def broken(netlist: str) -> str:
    """The netlist with one bit of block RAM that the job reads turned over: the lowest of a memory's first row."""
    changed, count = re.subn(
        r"(DP16KD #\((?:(?!\) ).)*?\.INITVAL_00\(320'h[0-9a-f]*)([0-9a-f])(\))",
        lambda m: f"{m[1]}{int(m[2], 16) ^ 1:x}{m[3]}", netlist, count=1, flags=re.S,
    )  # fmt: skip
    assert count == 1
    return changed


@pytest.mark.slow
def test_a_small_board_s_netlist(tmp_path: Path) -> None:
    """With a small engine: PLL, pads, block RAM, checksum, UART as they are placed. One wrong bit of RAM fails."""
    made = synthesise_top(copier(), BOARD, tmp_path)
    netlist, right = made.verilog.read_text(), copy_vectors().results.crc()
    said = run_netlist(netlist, BOARD, tmp_path / "right", cycles=CYCLES)
    assert said.startswith(f"tessera copy {config_hash(CopyConfig())} pass crc={right:08x} cycles=")
    said = run_netlist(broken(netlist), BOARD, tmp_path / "wrong", cycles=CYCLES)
    assert said.startswith(f"tessera copy {config_hash(CopyConfig())} fail crc=")


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_s_netlist_passes_its_self_test(engine: str, tmp_path: Path) -> None:
    """The bitstream's cells, from power-up to the line, equal to the model's checksum."""
    entry = ENGINES[engine]
    config: Any = entry.configs["nano"]()
    made = synthesise_top(TOPS["self-test"](entry, config, BOARD), BOARD, tmp_path)
    said = run_netlist(made.verilog.read_text(), BOARD, tmp_path / TOP, cycles=CYCLES)
    crc = entry.self_test().vectors(config).results.crc()
    assert said.startswith(f"tessera {engine} {config_hash(config)} pass crc={crc:08x} cycles=")
