"""A bench that does what the environment asks."""

from __future__ import annotations

import os
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles


@cocotb.test()
async def behave(dut) -> None:
    """TESSERA_BEHAVIOUR: `pass`, `fail` an assertion, `raise` an error, or `exit` the process."""
    Clock(dut.clk, 2, unit="ns").start()
    await ClockCycles(dut.clk, 3)
    behaviour = os.environ["TESSERA_BEHAVIOUR"]
    if behaviour == "exit":
        os._exit(3)
    if behaviour == "raise":
        raise LookupError("the bench itself is wrong")
    assert behaviour == "pass", "expected 1, got 2"
    Path("ran").touch()
