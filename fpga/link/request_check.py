"""What is wrong with a request."""

# Amaranth's ports are attributes made at run time.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportIndexIssue=false

from __future__ import annotations

from collections.abc import Iterable

from amaranth.hdl import Cat, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from fpga.link.layouts import ArgumentLayout, HeaderLayout
from fpga.link.protocol import COMMANDS, DATA_BYTES, Command, Row, Status, size_of
from hw.lib.memory_port import ADDRESS_WIDTH

WHILE_BUSY = tuple(command for command, row in COMMANDS.items() if row.while_busy)
REACHING = (Command.WRITE, Command.READ, Command.START)  # they name a place in memory


class RequestCheck(wiring.Component):
    """The status with which a request is answered: `DONE` if it is to be obeyed.

    Of several faults the one with the lowest code is told. It is right once the inputs have stood for 3 cycles.
    """

    settles = 3  #: cycles

    def __init__(self, *, width: int, memory_bytes: int) -> None:
        self.word_bytes, self.memory_bytes = width // 8, memory_bytes
        super().__init__(
            {
                "header": In(HeaderLayout()),  #: of the request
                "arguments": In(ArgumentLayout()),  #: as many of them as its command has
                "job": In(8),  #: number of the last job that was started
                "running": In(1),  #: it is under way
                "status": Out(Status),  #: for the answer
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        command, arguments = self.header.command, self.arguments
        count, end = Signal(16), Signal(ADDRESS_WIDTH + 1)  # of the bytes that are meant
        m.d.sync += [count.eq(self._count()), end.eq(arguments.address + count)]
        reaching = _any(command == one for one in REACHING)
        misplaced = (arguments.address % self.word_bytes != 0) | (end > self.memory_bytes)
        wrong = {
            Status.UNKNOWN: ~_any(command == one for one in COMMANDS),
            Status.LENGTH: _any((command == one) & self._wrong_length(row, count) for one, row in COMMANDS.items()),
            Status.PLACE: reaching & misplaced,
            Status.BUSY: self.running & ~self._repeated() & ~_any(command == one for one in WHILE_BUSY),
        }
        found = Signal(len(wrong))
        m.d.sync += found.eq(Cat(wrong.values()))
        m.d.comb += self.status.eq(Status.DONE)
        for k, status in reversed(list(enumerate(wrong))):
            with m.If(found[k]):
                m.d.comb += self.status.eq(status)
        return m

    def _count(self) -> Value:
        """How many bytes of memory are meant; of a job's header the first word."""
        command = self.header.command
        data_bytes = (self.header.length - size_of(COMMANDS[Command.WRITE].arguments))[:16]
        read = Mux(command == Command.READ, self.arguments.count, self.word_bytes)
        return Mux(command == Command.WRITE, data_bytes, read)

    def _wrong_length(self, row: Row, count: Value) -> Value:
        """The payload is not the arguments, or data is not whole words that fit into a frame."""
        whole = (count != 0) & (count <= DATA_BYTES) & (count % self.word_bytes == 0)
        exact = self.header.length == size_of(row.arguments)
        return ~whole | (~exact if not row.carries else self.header.length < size_of(row.arguments))

    def _repeated(self) -> Value:
        """Once started, a job's number asks for nothing more."""
        return (self.header.command == Command.START) & (self.arguments.count[:8] == self.job)


def _any(conditions: Iterable[Value]) -> Value:
    return Cat(*conditions).any()
