"""Drives every input stream of a block from a file and compares its output streams, with random pauses."""

from __future__ import annotations

import json
import os
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import Combine, RisingEdge, with_timeout

from hw.lib.fields import PlacedField
from sim.kernel.streams import StreamDriver, StreamMonitor, differences

RESET_CYCLES = 4
SHOWN = 5  # differences in a failure's message


@cocotb.test()
async def streams(dut) -> None:
    """TESSERA_JOB names a JSON file: inputs, outputs with fields, constants, pauses, seed, settle, timeout."""
    job = json.loads(Path(os.environ["TESSERA_JOB"]).read_text())
    Clock(dut.clk, 2, unit="ns").start()
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

    wrong: list[str] = []
    for name, monitor in monitors.items():
        output = job["outputs"][name]
        fields = [PlacedField(*f) for f in output["fields"]]
        expected = [int(p, 16) for p in output["payloads"]]
        masks = output["masks"] and [int(m, 16) for m in output["masks"]]
        wrong += list(differences(name, expected, monitor.taken, fields, masks))
    assert not wrong, f"{len(wrong)} payloads differ (seed {job['seed']}):\n" + "\n".join(wrong[:SHOWN])
