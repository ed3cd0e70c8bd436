"""Drives the ports of a `Passthrough` in front of the memory model and notes what comes back, and when."""

from __future__ import annotations

import json
import os
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, Combine
from cocotb.utils import get_sim_time

from sim.kernel.streams import StreamDriver, StreamMonitor


class Stamped(list[int]):
    """Payloads, and the cycle in which each came."""

    def __init__(self) -> None:
        super().__init__()
        self.cycles: list[int] = []

    def append(self, payload: int) -> None:
        super().append(payload)
        self.cycles.append(int(get_sim_time("ns")))


@cocotb.test()
async def memory(dut) -> None:
    """TESSERA_JOB: a JSON file with `reads`, `writes` (packed), `words` to wait for, `pause`, `seed`, `result`.

    The writes begin when `after` words have come; `rest` cycles pass before the end.
    """
    job = json.loads(Path(os.environ["TESSERA_JOB"]).read_text())
    Clock(dut.clk, 1, unit="ns").start()
    dut.dump.value = 0
    dut.start.value = 0
    dut.rst.value = 1
    reads, writes = (StreamDriver(dut, name, pause=0, seed=job["seed"]) for name in ("asks", "stores"))
    answers = StreamMonitor(dut, "answers", pause=job["pause"], seed=job["seed"])
    answers.taken = taken = Stamped()
    await ClockCycles(dut.clk, 4)
    dut.rst.value = 0
    await ClockCycles(dut.clk, 2)
    begin = int(get_sim_time("ns"))
    listening = cocotb.start_soon(answers.run())
    sending = [cocotb.start_soon(reads.run([int(p, 16) for p in job["reads"]]))]
    while len(taken) < job["after"]:
        await ClockCycles(dut.clk, 1)
    sending.append(cocotb.start_soon(writes.run([int(p, 16) for p in job["writes"]])))
    await Combine(*sending)
    while len(taken) < job["words"]:
        await ClockCycles(dut.clk, 1)
    end = int(get_sim_time("ns"))
    await ClockCycles(dut.clk, job["rest"])
    listening.cancel()
    dut.dump.value = 1
    await ClockCycles(dut.clk, 2)
    result = {
        "words": [hex(payload) for payload in taken],
        "cycles": [cycle - begin for cycle in taken.cycles],
        "all": end - begin,
        "parts": hex(int(dut.part_counters.value)),
        "memory": hex(int(dut.memory_counters.value)),
        **{n: int(getattr(dut, n).value) for n in ("fault", "fault_address", "words_read", "words_written")},
    }
    Path(job["result"]).write_text(json.dumps(result))
