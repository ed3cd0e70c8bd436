"""Reads a program."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.cluster.memory_map import COMMAND_BYTES
from golden.cluster.spec import COMPUTE, MOVES, SCHEDULES, ElementType, Kind, Move, Op, Schedule
from hw.cluster.config import Config
from hw.cluster.layouts import LENGTH, command_layout, feeds, header_layout
from hw.lib.burst_reader import BurstReader
from hw.lib.memory_port import ADDRESS_WIDTH, ReadSignature
from hw.lib.queue import StreamQueue
from hw.lib.stream import connect, transfer

COMMANDS_AHEAD = 4


class EntryLayout(data.StructLayout):
    """A command that was read and checked."""

    def __init__(self) -> None:
        super().__init__(
            {
                "command": command_layout(),  #: as it lies in external memory
                "refused": 1,  #: it has an impossible code; nothing follows it
            }
        )


class CommandReader(wiring.Component):
    """On `start` reads the header at `address`, then the commands, and checks their codes.

    A command's stream, if it has one, is announced as soon as the command is there, so that its words
    can be on their way before its turn. Nothing after a command with an impossible code is executed.
    Addresses are cut to whole words of the memory.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        super().__init__(
            {
                "start": In(1),  #: begins a program; ignored while `busy`
                "address": In(ADDRESS_WIDTH),  #: of the program's header, in the cycle of `start`
                "o": Out(stream.Signature(EntryLayout())),  #: the program's commands in order
                #: those commands once more that read a stream, each offered before it is on `o`
                "ahead": Out(stream.Signature(command_layout())),
                "watchdog": Out(32),  #: the header's limit in cycles; holds until the next header is read
                "busy": Out(1),  #: commands are left to be read or taken
                "memory": Out(ReadSignature(8 * config.word_bytes)),  #: for header and commands
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        word_bytes = self.config.word_bytes
        words = max(1, COMMAND_BYTES // word_bytes)  # of the header, or of a request for commands …
        share = max(1, word_bytes // COMMAND_BYTES)  # … which brings as many commands
        depth = max(2, COMMANDS_AHEAD * words // share)
        m.submodules.reader = reader = BurstReader(width=8 * word_bytes, depth=depth)
        m.submodules.queue = queue = StreamQueue(shape=EntryLayout(), depth=COMMANDS_AHEAD)
        wiring.connect(m, wiring.flipped(self.memory), reader.memory)
        connect(m, queue.o, self.o)
        self.number = Signal(32)  # of the command at hand
        entry, entry_valid, entry_ready = self._entries(m, reader, words, share)
        header = header_layout()(entry)
        command = Signal(command_layout())
        m.d.comb += Value.cast(command).eq(entry)

        wanted, left = Signal(32), Signal(32)  # requests for commands to send, and commands to come
        log2_word = word_bytes.bit_length() - 1
        place = Signal(ADDRESS_WIDTH - log2_word)  # number of the next word
        last = (self.number % share == share - 1) | (left == 1)  # the command is the last one in its word
        refused = self._impossible(command)
        announces = feeds(command) & (command.op != Op.TURN) & ~refused
        m.d.comb += [
            queue.i.payload.command.eq(command),
            queue.i.payload.refused.eq(refused),
            self.ahead.payload.eq(command),
            reader.i.payload.length.eq(words),
            reader.i.payload.address.eq(place << log2_word),
        ]
        announced = Signal()  # the command at hand is
        with m.FSM():
            with m.State("idle"):
                with m.If(self.start):
                    m.d.sync += [self.busy.eq(1), self.number.eq(0), place.eq(self.address[log2_word:])]
                    m.next = "ask"
            with m.State("ask"):
                m.d.comb += reader.i.valid.eq(1)
                with m.If(reader.i.ready):
                    m.next = "header"
            with m.State("header"):
                m.d.comb += entry_ready.eq(1)
                with m.If(entry_valid):
                    m.d.sync += [
                        wanted.eq((header.commands + share - 1) // share),
                        left.eq(header.commands),
                        place.eq(header.command_address[log2_word:]),
                        self.watchdog.eq(header.watchdog),
                    ]
                    m.next = "commands"
            with m.State("commands"):
                m.d.comb += [
                    reader.i.valid.eq(wanted != 0),
                    self.ahead.valid.eq(entry_valid & (left != 0) & announces & ~announced),
                    queue.i.valid.eq(entry_valid & (left != 0) & (~announces | announced)),
                    entry_ready.eq(transfer(queue.i) & last),
                ]
                with m.If(transfer(reader.i)):
                    m.d.sync += [wanted.eq(wanted - 1), place.eq(place + words)]
                m.d.sync += announced.eq((announced | transfer(self.ahead)) & ~transfer(queue.i))
                with m.If(transfer(queue.i)):
                    m.d.sync += [left.eq(left - 1), self.number.eq(self.number + 1)]
                with m.If(left == 0):
                    m.next = "drain"
                with m.Elif(transfer(queue.i) & refused):
                    m.next = "refused"
            with m.State("refused"):
                # What was asked for still arrives.
                m.d.comb += entry_ready.eq(1)
                with m.If(~reader.busy & ~entry_valid):
                    m.next = "drain"
            with m.State("drain"):
                with m.If(queue.level == 0):
                    m.d.sync += self.busy.eq(0)
                    m.next = "idle"
        return m

    def _entries(self, m: Module, reader: BurstReader, words: int, share: int) -> tuple[Value, Value, Signal]:
        """Header and commands: bits, valid, and ready, with which the whole memory word is done.

        The header is the first entry of its word: `number` is 0 then.
        """
        ready = Signal()
        if words == 1:
            m.d.comb += reader.o.ready.eq(ready)
            return reader.o.payload.word_select(self.number % share, 8 * COMMAND_BYTES), reader.o.valid, ready
        width = 8 * self.config.word_bytes
        earlier, place = Signal(width * (words - 1), reset_less=True), Signal(range(words))
        last = place == words - 1
        m.d.comb += reader.o.ready.eq(ready | ~last)
        with m.If(transfer(reader.o)):
            m.d.sync += [
                earlier.eq(Cat(earlier, reader.o.payload)[width:]),
                place.eq(Mux(last, 0, place + 1)),
            ]
        return Cat(earlier, reader.o.payload), reader.o.valid & last, ready

    def _impossible(self, c) -> Value:
        """A code out of range, or codes that do not go together (golden/cluster/command.py)."""
        spec = self.config.spec
        ops = [op for op in SCHEDULES if spec.compute or op not in COMPUTE]
        fits = Cat((c.op == op) & Cat(c.schedule == schedule for schedule in SCHEDULES[op]).any() for op in ops).any()
        reduces = (c.op == Op.REDUCE) | (c.op == Op.REDUCE_SCATTER)
        merges = reduces & (c.kind == Kind.MERGE)
        chunks = reduces & (c.schedule == Schedule.RING)
        highest = {op: max(kinds) for op, kinds in (MOVES | COMPUTE).items()}
        if not spec.compute:
            highest[Op.LOAD] = Move.BROADCAST
        beyond = Cat((c.op == op) & (c.kind > kind) for op, kind in highest.items()).any() | (c.kind > max(Kind))
        rowless = Cat(c.op == op for op in COMPUTE).any() & (c.record == 0)
        length = Mux(c.op == Op.BARRIER, 0, (c.flits == 0) | c.flits[LENGTH:].any())
        return (
            ~fits
            | (c.format > max(ElementType))
            | beyond
            | (merges & ((c.format != ElementType.SINGLE) | (c.record == 0)))
            | (chunks & c.flits[: spec.rounds].any())
            | (c.root >= spec.nodes)
            | rowless
            | length
        )
