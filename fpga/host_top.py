"""An engine, its memory and the link to a host: everything behind a board's clock and its two UART pins."""

# Amaranth's ports are attributes made at run time.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportCallIssue=false

from __future__ import annotations

from typing import Any

from amaranth.hdl import Elaboratable, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from fpga.engine_system import EngineSystem, chip_pins
from fpga.link.host_link import PATIENCE, HostLink
from fpga.link.protocol import identity
from hw.generate import config_hash
from hw.lib.ports import forward
from hw.lib.shared import add_with_reset


class HostTop(wiring.Component):
    """A host loads memory, starts jobs and reads results over `receive` and `send`; see docs/fpga.md.

    Args:
        name: of the engine. config: of it; its hash is what the host asks for. engine, memory: as `EngineSystem`
            wants them; the memory holds `memory_bytes`. Its port `pins`, if it has one, is here too.
        divisor: clock cycles of a bit. patience: times of a byte after which a frame has broken off.

    Raises:
        ValueError: a name of more than 16 letters, or what `HostLink` refuses.
    """

    def __init__(
        self, *, name: str, config: Any, engine: wiring.Component, memory: wiring.Component,
        memory_bytes: int, divisor: int, patience: int = PATIENCE,
    ) -> None:  # fmt: skip
        width = 8 * config.word_bytes
        self.system = EngineSystem(engine=engine, memory=memory, width=width, memory_bytes=memory_bytes)
        counter_bits = self.system.counter_bits
        self.link = HostLink(
            divisor=divisor,
            patience=patience,
            width=width,
            memory_bytes=memory_bytes,
            counter_bits=counter_bits,
            identity=identity(
                name, config_hash(config), word_bytes=config.word_bytes, memory_bytes=memory_bytes,
                counter_bytes=-(-counter_bits // 8),
            ),
        )  # fmt: skip
        super().__init__(
            {
                **chip_pins(self.system),
                "receive": In(1, init=1),  #: pin: bytes from the host, 8N1, in no relation to the clock
                "send": Out(1, init=1),  #: pin: bytes to the host
                "run": Out(1),  #: light: a job is under way
                "failed": Out(1),  #: light: the last job has reached beyond the memory's end
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.link = link = self.link
        system = self.system
        add_with_reset(m, platform, "system", system, link.reset)
        forward(m, self, link, ["receive", "send"])
        forward(m, self, system, chip_pins(system))
        m.d.comb += [self.run.eq(link.running), self.failed.eq(system.fault)]
        wiring.connect(m, link.read, system.read)
        wiring.connect(m, link.write, system.write)
        m.d.comb += [system.start.eq(link.start), system.address.eq(link.address)]
        for name in ("busy", "fault", "words_read", "words_written", "counters"):
            m.d.comb += getattr(link, name).eq(getattr(system, name))
        return m
