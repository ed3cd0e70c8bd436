"""Every bus unit at representative parameters: for lint and out-of-context synthesis."""

from __future__ import annotations

from collections.abc import Callable

from amaranth.lib import wiring

from hw.bus.axi_lite_slave import AxiLiteSlave
from hw.bus.axi_reader import AxiReader
from hw.bus.axi_writer import AxiWriter
from hw.bus.burst_gather import BurstGather
from hw.bus.config import BusConfig, index_bits
from hw.bus.job_control import JobControl
from hw.bus.registers import engine_registers
from hw.bus.write_ledger import WriteLedger
from hw.lib.counters import CounterLayout


def catalogue() -> dict[str, Callable[[], wiring.Component]]:
    """Name to a function that makes the component. Names are module names too."""
    counters = CounterLayout({f"event_{k}": f"events of kind {k}" for k in range(32)})
    registers = engine_registers("engine", version="1.0.0", config_hash="0" * 12, word_bytes=16, counters=counters)
    return {
        "axi_reader": lambda: AxiReader(width=128, bus=BusConfig()),
        "axi_reader_narrow": lambda: AxiReader(width=128, bus=BusConfig(width=32)),
        "axi_writer": lambda: AxiWriter(width=128, bus=BusConfig()),
        "axi_writer_narrow": lambda: AxiWriter(width=128, bus=BusConfig(width=32)),
        "burst_gather": lambda: BurstGather(width=128, most=256),
        "write_ledger": lambda: WriteLedger(bits=index_bits(128), depth=16),
        "axi_lite_slave": lambda: AxiLiteSlave(registers=registers),
        "job_control": lambda: JobControl(),
    }
