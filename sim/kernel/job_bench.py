"""Runs one job of an engine in a `MemoryHarness`: start, wait for done, dump, counters."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, First, RisingEdge, Timer
from cocotb.utils import get_sim_time


@cocotb.test()
async def job(dut) -> None:
    """Environment: TESSERA_TIMEOUT cycles, TESSERA_ADDRESS of the header, TESSERA_RESULT file."""
    cycles = int(os.environ["TESSERA_TIMEOUT"])
    Clock(dut.clk, 1, unit="ns").start()
    dut.start.value = 0
    dut.dump.value = 0
    dut.rst.value = 1
    await ClockCycles(dut.clk, 4)
    dut.rst.value = 0
    dut.address.value = int(os.environ["TESSERA_ADDRESS"])
    await ClockCycles(dut.clk, 4)
    dut.start.value = 1
    await ClockCycles(dut.clk, 1)
    dut.start.value = 0
    begin = time.perf_counter()
    await First(RisingEdge(dut.done), RisingEdge(dut.stuck), Timer(cycles, unit="ns"))
    result = {
        "seconds": time.perf_counter() - begin,
        "cycle": round(get_sim_time("ns")),
        "stuck": int(dut.stuck.value),
        "done": int(dut.done.value),
        "fault": int(dut.fault.value),
        "fault_address": int(dut.fault_address.value),
        "counters": hex(int(dut.counters.value)),
        "words_read": int(dut.words_read.value),
        "words_written": int(dut.words_written.value),
    }
    dut.dump.value = 1
    await ClockCycles(dut.clk, 2)
    Path(os.environ["TESSERA_RESULT"]).write_text(json.dumps(result))
