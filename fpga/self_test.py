"""An engine that runs a job it carries with it, and says whether the results are the model's."""

# Amaranth's ports are attributes made at run time.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportCallIssue=false

from __future__ import annotations

from typing import Any

from amaranth.hdl import Elaboratable, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from fpga.block_ram import BlockRam
from fpga.link.uart_transmitter import UartTransmitter
from fpga.region_checksum import RegionChecksum
from fpga.result_line import ResultLine, Verdict
from hw.generate import config_hash
from hw.lib.read_arbiter import ReadArbiter
from hw.lib.stream import connect
from sim.kernel.vectors import Vectors

PATIENCE = 1 << 27  # cycles after which a job hangs: 2.7 s at 50 MHz
PAUSE = 1 << 25  # cycles between two result lines
OUTSTANDING = 64  # bursts under way at the memory


class SelfTest(wiring.Component):
    """Runs the job of `vectors` once after reset, and compares the results' CRC-32 with the model's.

    The result line follows, again and again: a terminal that is opened late sees it too.

    Args:
        name: of the engine. engine: the component. config: its config, whose hash the result line has.
        divisor: clock cycles of a bit on `send`. patience: cycles after which the job hangs. pause: cycles between two
            result lines.
    """

    def __init__(
        self, *, name: str, engine: wiring.Component, config: Any, vectors: Vectors, divisor: int,
        patience: int = PATIENCE, pause: int = PAUSE,
    ) -> None:  # fmt: skip
        self.engine, self.vectors = engine, vectors
        self.patience, self.pause = patience, pause
        self.width = 8 * config.word_bytes
        self.expected = vectors.results.crc()
        self.memory = BlockRam(
            width=self.width,
            words=vectors.memory_words(config.word_bytes),
            init=vectors.words(config.word_bytes),
        )
        self.checksum = RegionChecksum(
            width=self.width, address=vectors.result_address, known=vectors.masks(config.word_bytes)
        )
        self.line = ResultLine(engine=name, config_hash=config_hash(config))
        self.uart = UartTransmitter(divisor=divisor)
        super().__init__(
            {
                "run": Out(1),  #: the test is under way
                "passed": Out(1),  #: it has ended, and the results are the model's
                "failed": Out(1),  #: it has ended otherwise
                "send": Out(1, init=1),  #: pin: result lines, 8N1
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.engine = engine = self.engine
        m.submodules.memory = memory = self.memory
        m.submodules.checksum = checksum = self.checksum
        m.submodules.line = line = self.line
        m.submodules.uart = uart = self.uart
        m.submodules.reads = reads = ReadArbiter(width=self.width, count=2, outstanding=OUTSTANDING)
        wiring.connect(m, engine.read, reads.clients[0])
        wiring.connect(m, checksum.memory, reads.clients[1])
        wiring.connect(m, reads.memory, memory.read)
        wiring.connect(m, engine.write, memory.write)
        connect(m, line.o, uart.i)
        begun, verdict, cycles = Signal(), Signal(Verdict), Signal(range(max(self.patience, 2)))
        m.d.comb += [
            engine.address.eq(self.vectors.header_address),
            self.run.eq(~self.passed & ~self.failed),
            line.verdict.eq(verdict),
            line.crc.eq(checksum.crc),
            line.cycles.eq(cycles),
            self.send.eq(uart.line),
        ]
        right = Signal()
        m.d.sync += right.eq(checksum.crc == self.expected)
        with m.FSM():
            with m.State("START"):
                m.d.comb += engine.start.eq(1)
                m.next = "RUN"
            with m.State("RUN"):
                m.d.sync += [cycles.eq(cycles + 1), begun.eq(begun | engine.busy)]
                with m.If(begun & ~engine.busy):
                    m.d.comb += checksum.start.eq(1)
                    m.next = "CHECK"
                with m.Elif(cycles == self.patience - 1):
                    m.d.sync += [verdict.eq(Verdict.HANG), self.failed.eq(1)]
                    m.next = "TELL"
            with m.State("CHECK"):
                with m.If(checksum.done):
                    m.next = "JUDGE"
            with m.State("JUDGE"):
                m.d.sync += verdict.eq(Mux(memory.fault, Verdict.FAULT, Mux(right, Verdict.PASS, Verdict.FAIL)))
                m.d.sync += [self.passed.eq(right & ~memory.fault), self.failed.eq(~right | memory.fault)]
                m.next = "TELL"
            self._tell(m)
        return m

    def _tell(self, m: Module) -> None:
        """Sends the result line, waits, and sends it again."""
        left = Signal(range(self.pause))
        with m.State("TELL"):
            m.d.comb += self.line.start.eq(1)
            m.d.sync += left.eq(self.pause - 1)
            m.next = "WAIT"
        with m.State("WAIT"):
            with m.If(~self.line.busy):
                m.d.sync += left.eq(left - 1)
                with m.If(left == 0):
                    m.next = "TELL"
