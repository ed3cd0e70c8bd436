"""An engine, or a stage of one, with the bus that was asked for."""

from __future__ import annotations

from typing import Any

from amaranth.lib import wiring

from hw.bus.axi_engine import AxiEngine
from hw.bus.config import BusConfig
from hw.bus.registers import engine_registers
from hw.generate import config_hash, project_version

#: Above an engine's Verilog: how a job is run.
JOB_REMARK = """\
// m_axi_ is an AXI4 master: memory, with INCR bursts that never cross 4 KiB; all IDs are 0. s_axi_ is an AXI4-Lite
// slave with the control registers. A job: write its header's address to ADDRESS (0x28) and 1 to CONTROL (0x20); wait
// until STATUS (0x24) reads 2, done, or 4, failed, or for irq, which INTERRUPT_ENABLE (0x30) allows.
//
"""
#: Above a stage's Verilog.
STREAM_REMARK = """\
// s_axis_ and m_axis_ are AXI4-Stream: tdata is a payload, its first field in the lowest bits, zeros above its last.
//
"""


def engine_on_bus(engine: wiring.Component, name: str, config: Any, bus: BusConfig) -> AxiEngine:
    """The engine `name` of that config, with registers that say so.

    Raises:
        InputError: `bus` does not fit the engine's memory port.
    """
    registers = engine_registers(
        name,
        version=project_version(),
        config_hash=config_hash(config),
        word_bytes=config.word_bytes,
        counters=engine.signature.members["counters"].shape,
    )
    return AxiEngine(engine, bus=bus, registers=registers)
