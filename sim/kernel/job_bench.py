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

from sim.kernel.progress import INTERVAL, Progress, write_progress

FIRST_SLICE = 256  # cycles: even with waves of everything, a fraction of a second


@cocotb.test()
async def job(dut) -> None:
    """Environment: TESSERA_TIMEOUT cycles, TESSERA_ADDRESS of the header, TESSERA_RESULT and TESSERA_PROGRESS files."""
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
    await end_of_job(dut, cycles, Path(os.environ["TESSERA_PROGRESS"]))
    result = {
        "seconds": time.perf_counter() - begin,
        "cycle": now(),
        "stuck": int(dut.stuck.value),
        "done": int(dut.done.value),
        "fault": int(dut.fault.value),
        "fault_address": int(dut.fault_address.value),
        "counters": hex(int(dut.counters.value)),
        "memory": hex(int(dut.memory_counters.value)),
        "parts": hex(int(dut.part_counters.value)),
        "words_read": int(dut.words_read.value),
        "words_written": int(dut.words_written.value),
    }
    dut.dump.value = 1
    await ClockCycles(dut.clk, 2)
    Path(os.environ["TESSERA_RESULT"]).write_text(json.dumps(result))


def now() -> int:
    """Cycles since the simulation began."""
    return round(get_sim_time("ns"))


async def end_of_job(dut, cycles: int, path: Path) -> None:
    """Waits until the job is done or stuck, `cycles` at most; the simulator runs free in slices of `INTERVAL`."""
    deadline, length = now() + cycles, FIRST_SLICE
    while now() < deadline and not (dut.done.value or dut.stuck.value):
        begin = time.perf_counter()
        await First(RisingEdge(dut.done), RisingEdge(dut.stuck), Timer(min(length, deadline - now()), unit="ns"))
        seconds = time.perf_counter() - begin
        length = max(1, min(2 * length, round(length * INTERVAL / seconds)))
        write_progress(path, Progress(cycle=now(), words_written=int(dut.words_written.value)))
