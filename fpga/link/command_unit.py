"""Commands of the host, carried out one by one."""

# Amaranth's ports are attributes made at run time.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportIndexIssue=false

from __future__ import annotations

from amaranth.hdl import Cat, Const, Elaboratable, Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from fpga.link.byte_table import ByteTable
from fpga.link.layouts import FAULT_BITS, WORDS_BITS, ArgumentLayout, FaultLayout, HeaderLayout
from fpga.link.memory_reader import MemoryReader
from fpga.link.memory_writer import MemoryWriter
from fpga.link.protocol import ANSWER, COMMANDS, DATA_BYTES, Command, Status, size_of
from fpga.link.request_check import RequestCheck
from hw.lib.memory_port import ADDRESS_WIDTH, ReadSignature, WriteSignature
from hw.lib.ports import forward


class CommandUnit(wiring.Component):
    """Takes a request, does what it says, and answers it; then takes the next.

    Every request may come twice and does no harm the second time: what it writes and reads is the same, and a job's
    number starts one job. A request that is not as `COMMANDS` has it changes nothing, and its answer says why.

    `DONE` follows the request's last byte by 6 cycles and more where memory waits.

    Args:
        width: of a memory word. memory_bytes: how many may be reached. identity: the answer to IDENTIFY.
        counter_bits: of all counters.

    Raises:
        ValueError: `width` is no power of two of at least 32, or a word or all counters are more than a frame holds.
    """

    def __init__(self, *, width: int, memory_bytes: int, identity: bytes, counter_bits: int) -> None:
        for name, bits in (("a word", width), ("all counters", counter_bits)):
            if bits > 8 * DATA_BYTES:
                raise ValueError(f"CommandUnit: {name} must fit into {DATA_BYTES} bytes, it is {bits} bits")
        self.width, self.memory_bytes, self.identity = width, memory_bytes, identity
        self.counter_bits = counter_bits
        super().__init__(
            {
                "frame": In(stream.Signature(HeaderLayout())),  #: header of a request that is whole and right
                "payload": In(stream.Signature(8)),  #: its bytes
                "answer": Out(stream.Signature(HeaderLayout())),  #: header of the answer
                "answer_payload": Out(stream.Signature(8)),  #: its bytes, the status first
                "reset": Out(1),  #: engine and memory port are to be reset; for one cycle
                "start": Out(1),  #: a job is to begin; for one cycle
                "address": Out(ADDRESS_WIDTH),  #: of its header, in bytes; holds from `start` on
                "busy": In(1),  #: the engine's; a job is under way from `start` until it has fallen
                "fault": In(1),  #: the job has reached beyond the memory's end
                "words_read": In(WORDS_BITS),  #: by the job
                "words_written": In(WORDS_BITS),  #: by the job
                "counters": In(counter_bits),  #: the engine's, all of them
                "faults": In(FaultLayout(FAULT_BITS)),  #: counts of the line's faults
                "read": Out(ReadSignature(width)),  #: memory, while no job is under way
                "write": Out(WriteSignature(width)),  #: memory, while no job is under way
                "running": Out(1),  #: a job is under way
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        self.header = Signal(HeaderLayout())
        self.arguments = Signal(ArgumentLayout())
        self.place = Signal(16)  # byte of the request's payload
        self.status = Signal(Status)
        self.job, self.session = Signal(8), Signal(32)
        parts = self._table_parts()
        size = sum(map(len, parts.values())) // 8
        self.index, self.left = Signal(range(size)), Signal(range(DATA_BYTES + 1))
        m.submodules.reader = reader = MemoryReader(width=self.width)
        m.submodules.writer = writer = MemoryWriter(width=self.width)
        m.submodules.table = table = ByteTable(size=size)
        forward(m, self, reader, ["read"])
        forward(m, self, writer, ["write"])
        m.d.comb += [
            table.values.eq(Cat(*parts.values())),
            table.index.eq(self.index),
            reader.address.eq(self.arguments.address),
            writer.address.eq(self.arguments.address),
        ]
        self._watch_job(m)
        m.d.sync += self.start.eq(0)
        with m.FSM():
            self._take(m)
            self._judge(m)
            self._act(m, parts, reader, writer)
            self._reply(m, reader, table)
        return m

    def _watch_job(self, m: Module) -> None:
        """A job is under way from its start until the engine was busy and is no longer."""
        was_busy = Signal()
        m.d.sync += was_busy.eq(self.busy)
        with m.If(was_busy & ~self.busy):
            m.d.sync += self.running.eq(0)

    def _take(self, m: Module) -> None:
        """Header and arguments of a request."""
        with m.State("TAKE"):
            m.d.comb += self.frame.ready.eq(1)
            m.d.sync += [self.header.eq(self.frame.payload), self.place.eq(0)]
            with m.If(self.frame.valid):
                m.next = "ARGUMENTS"
        with m.State("ARGUMENTS"):
            wanted = Signal(range(16))
            with m.Switch(self.header.command):
                for command, row in COMMANDS.items():
                    with m.Case(command):
                        m.d.comb += wanted.eq(size_of(row.arguments))
            with m.If((self.place == wanted) | (self.place == self.header.length)):
                m.next = "JUDGE_0"
            with m.Else():
                m.d.comb += self.payload.ready.eq(1)
                with m.If(self.payload.valid):
                    m.d.sync += [
                        Value.cast(self.arguments).word_select(self.place[:3], 8).eq(self.payload.payload),
                        self.place.eq(self.place + 1),
                    ]

    def _judge(self, m: Module) -> None:
        """What is wrong with the request, if anything."""
        m.submodules.check = check = RequestCheck(width=self.width, memory_bytes=self.memory_bytes)
        m.d.comb += [
            check.header.eq(self.header),
            check.arguments.eq(self.arguments),
            check.job.eq(self.job),
            check.running.eq(self.running),
        ]
        for k in range(check.settles):
            with m.State(f"JUDGE_{k}"):
                m.next = f"JUDGE_{k + 1}"
        with m.State(f"JUDGE_{check.settles}"):
            m.d.sync += self.status.eq(check.status)
            m.next = "ACT"

    def _act(self, m: Module, parts: dict[Command, Value], reader: MemoryReader, writer: MemoryWriter) -> None:
        """Does what the request says, and takes the rest of its payload whether it is wanted or not."""
        m.d.comb += writer.i.payload.eq(self.payload.payload)
        with m.State("ACT"):
            m.d.sync += self.left.eq(0)
            m.next = "CARRY"
            with m.If(self.status == Status.DONE):
                m.d.comb += [reader.begin.eq(1), writer.begin.eq(1)]
                with m.Switch(self.header.command):
                    first = 0
                    for command, part in parts.items():
                        with m.Case(command):
                            m.d.sync += [self.index.eq(first), self.left.eq(len(part) // 8)]
                        first += len(part) // 8
                    with m.Case(Command.READ):
                        m.d.sync += self.left.eq(self.arguments.count)
                    with m.Case(Command.RESET):
                        m.d.comb += self.reset.eq(1)
                        m.d.sync += [self.session.eq(self.arguments.address), self.job.eq(0), self.running.eq(0)]
                    with m.Case(Command.START):
                        self._start(m)
        with m.State("CARRY"):
            with m.If(self.place != self.header.length):
                wanted = (self.status == Status.DONE) & (self.header.command == Command.WRITE)
                m.d.comb += [
                    writer.i.valid.eq(self.payload.valid & wanted),
                    self.payload.ready.eq(writer.i.ready | ~wanted),
                ]
                with m.If(self.payload.valid & self.payload.ready):
                    m.d.sync += self.place.eq(self.place + 1)
            with m.Elif(~writer.busy):
                m.next = "REPLY"

    def _table_parts(self) -> dict[Command, Value]:
        """The answers that are values, not memory, in the order in which they stand in the table of bytes."""
        flags = Cat(self.running, self.fault, Const(0, 6))
        words = Cat(self.words_read, self.words_written)
        return {
            Command.IDENTIFY: Const(int.from_bytes(self.identity, "little"), 8 * len(self.identity)),
            Command.STATUS: Cat(self.session, self.job, flags, words, self.faults),
            Command.COUNTERS: Cat(self.counters, Const(0, -self.counter_bits % 8)),
        }

    def _start(self, m: Module) -> None:
        """Begins a job unless it has begun before."""
        with m.If(self.arguments.count[:8] != self.job):
            m.d.sync += [
                self.job.eq(self.arguments.count),
                self.address.eq(self.arguments.address),
                self.start.eq(1),
                self.running.eq(1),
            ]

    def _reply(self, m: Module, reader: MemoryReader, table: ByteTable) -> None:
        """Header, status, and what the request asked for."""
        from_memory = self.header.command == Command.READ
        m.d.comb += [
            self.answer.payload.length.eq(self.left + 1),
            self.answer.payload.sequence.eq(self.header.sequence),
            self.answer.payload.command.eq(self.header.command | ANSWER),
        ]
        with m.State("REPLY"):
            m.d.comb += self.answer.valid.eq(1)
            with m.If(self.answer.ready):
                m.next = "STATUS"
        with m.State("STATUS"):
            m.d.comb += [self.answer_payload.payload.eq(self.status), self.answer_payload.valid.eq(1)]
            with m.If(self.answer_payload.ready):
                m.next = "NEXT"
        with m.State("NEXT"):
            m.next = "LOOK_UP"
            with m.If(from_memory):
                m.next = "READ"
            with m.If(self.left == 0):
                m.next = "TAKE"
        with m.State("LOOK_UP"):
            m.next = "FOUND"
        with m.State("FOUND"):
            m.next = "GIVE"
        with m.State("GIVE"):
            m.d.comb += [self.answer_payload.payload.eq(table.o), self.answer_payload.valid.eq(1)]
            with m.If(self.answer_payload.ready):
                m.d.sync += [self.index.eq(self.index + 1), self.left.eq(self.left - 1)]
                m.next = "NEXT"
        with m.State("READ"):
            m.d.comb += [
                reader.wanted.eq(self.left != 0),
                self.answer_payload.payload.eq(reader.o.payload),
                self.answer_payload.valid.eq(reader.o.valid),
                reader.o.ready.eq(self.answer_payload.ready),
            ]
            with m.If(self.left == 0):
                m.next = "TAKE"
            with m.Elif(reader.o.valid & self.answer_payload.ready):
                m.d.sync += self.left.eq(self.left - 1)
