"""Hands the commands of a program to nodes, mover and decode units."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from golden.cluster.spec import WAIT_IDLE, Op
from hw.cluster.command_reader import CommandReader
from hw.cluster.config import Config
from hw.cluster.layouts import command_layout, feeds
from hw.lib.memory_port import ADDRESS_WIDTH, ReadSignature
from hw.lib.stream import connect, transfer


class CommandIssuer(wiring.Component):
    """On `start` reads the program at `address`, and hands out one command after the other.

    LOAD and STORE, commands of the decode units, and those with the flag WAIT_IDLE wait until all nodes are
    idle; after one of the former the next command waits for its end. A command with an impossible code ends the
    program: `refused` is high with its number in `number`.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        commands = stream.Signature(command_layout())
        super().__init__(
            {
                "start": In(1),  #: begins a program; ignored while `busy`
                "address": In(ADDRESS_WIDTH),  #: of the program's header, in the cycle of `start`
                "idle": In(1),  #: no node has anything to do; falls in the cycle after a collective is taken
                "collective": Out(commands),  #: for all nodes at once
                "move": Out(commands),  #: LOAD and STORE; each is taken at its end
                "feed": Out(commands),  #: executed by the decode units, or filling them; each is taken at its end
                "ahead": Out(commands),  #: those of `feed` that read a stream, as soon as they are known
                "watchdog": Out(32),  #: the header's limit in cycles
                "number": Out(32),  #: of the command at hand, from 0
                "refused": Out(1),  #: that command has an impossible code; holds until the next start
                "busy": Out(1),  #: commands are left to be read or handed out
                "memory": Out(ReadSignature(8 * config.word_bytes)),  #: for header and commands
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.reader = reader = CommandReader(config=self.config)
        wiring.connect(m, wiring.flipped(self.memory), reader.memory)
        connect(m, reader.ahead, self.ahead)
        entry = reader.o.payload
        command = entry.command
        moves = ~feeds(command) & ((command.op == Op.LOAD) | (command.op == Op.STORE))
        waits = feeds(command) | moves | (command.flags & WAIT_IDLE).any()
        goes = reader.o.valid & ~entry.refused & (~waits | self.idle)
        m.d.comb += [
            reader.start.eq(self.start & ~self.busy),
            reader.address.eq(self.address),
            self.watchdog.eq(reader.watchdog),
            self.collective.payload.eq(command),
            self.move.payload.eq(command),
            self.feed.payload.eq(command),
            self.collective.valid.eq(goes & ~moves & ~feeds(command)),
            self.move.valid.eq(goes & moves),
            self.feed.valid.eq(goes & feeds(command)),
        ]
        refuses = Signal()
        handed = transfer(self.collective) | transfer(self.move) | transfer(self.feed)
        m.d.comb += [refuses.eq(reader.o.valid & entry.refused), reader.o.ready.eq(handed | refuses)]
        m.d.sync += self.number.eq(self.number + handed)
        with m.If(refuses):
            m.d.sync += self.refused.eq(1)
        with m.If(reader.start):
            m.d.sync += [self.busy.eq(1), self.number.eq(0), self.refused.eq(0)]
        with m.Elif(~reader.busy):
            m.d.sync += self.busy.eq(0)
        return m
