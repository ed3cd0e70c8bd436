"""Drives every input stream of a block from a file and compares its output streams, with random pauses."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import Combine, RisingEdge, with_timeout

from hw.lib.fields import PlacedField
from sim.kernel.streams import StreamDriver, StreamMonitor, first_difference

RESET_CYCLES = 4


@cocotb.test()
async def streams(dut) -> None:
    """TESSERA_JOB names a JSON file: inputs, outputs with fields, constants, pauses, seed, settle, timeout.

    The file TESSERA_RESULT gets a table and the cycle of the first difference of every output that has one.
    """
    job = json.loads(Path(os.environ["TESSERA_JOB"]).read_text())
    Clock(dut.clk, 1, unit="ns").start()
    for name, value in job["constants"].items():
        getattr(dut, name).value = int(value, 16)
    drivers = {n: StreamDriver(dut, n, pause=job["pause_in"], seed=job["seed"]) for n in job["inputs"]}
    monitors = {n: StreamMonitor(dut, n, pause=job["pause_out"], seed=job["seed"]) for n in job["outputs"]}
    dut.rst.value = 1
    for _ in range(RESET_CYCLES):
        await RisingEdge(dut.clk)
    dut.rst.value = 0
    for _ in range(job["settle"]):
        await RisingEdge(dut.clk)

    listening = [cocotb.start_soon(m.run()) for m in monitors.values()]
    sending = [cocotb.start_soon(d.run([int(p, 16) for p in job["inputs"][n]])) for n, d in drivers.items()]
    await with_timeout(Combine(*sending), job["timeout"], "ns")
    quiet = 0
    while quiet < job["drain"]:
        before = sum(len(m.taken) for m in monitors.values())
        await RisingEdge(dut.clk)
        quiet = quiet + 1 if sum(len(m.taken) for m in monitors.values()) == before else 0
    for task in listening:
        task.cancel()

    found: dict[str, Any] = {}
    for name, monitor in monitors.items():
        output = job["outputs"][name]
        fields = [PlacedField(*f) for f in output["fields"]]
        expected = [int(p, 16) for p in output["payloads"]]
        masks = output["masks"] and [int(m, 16) for m in output["masks"]]
        difference = first_difference(name, expected, monitor.taken, fields, masks, monitor.cycles)
        if difference:
            found[name] = {"table": difference.table(), "cycle": difference.cycle}
    Path(os.environ["TESSERA_RESULT"]).write_text(json.dumps(found))
