"""Reads a frame's header, then its group table."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from golden.splat.memory_map import GROUP_BYTES, HEADER_BYTES
from hw.lib.burst_reader import BurstReader
from hw.lib.memory_port import ADDRESS_WIDTH, ReadSignature
from hw.lib.stream import transfer
from hw.splat.layouts import group_layout, header_layout


class FrameFetch(wiring.Component):
    """On `start`, loads the header at `address`, then streams the group table's entries in order.

    Variable latency (the memory's). A group takes 64 bytes of memory bandwidth.

    Members:
        start, address: begin a frame; ignored while `busy`.
        frame: the header, stable from the first group on.
        groups: stream of group-table entries.
        busy: the last entry has not left yet.
        memory: read port.
    """

    def __init__(self, *, memory_width: int) -> None:
        self.memory_width = memory_width
        super().__init__(
            {
                "start": In(1),
                "address": In(ADDRESS_WIDTH),
                "frame": Out(header_layout()),
                "groups": Out(stream.Signature(group_layout())),
                "busy": Out(1),
                "memory": Out(ReadSignature(memory_width)),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        word_bytes = self.memory_width // 8
        header_words, entry_words = HEADER_BYTES // word_bytes, GROUP_BYTES // word_bytes
        m.submodules.reader = reader = BurstReader(width=self.memory_width, depth=2 * max(header_words, entry_words))
        wiring.connect(m, wiring.flipped(self.memory), reader.memory)

        header = Signal(HEADER_BYTES * 8)
        entry = Signal(GROUP_BYTES * 8)
        words = Signal(range(header_words + 1))
        left = Signal(16)  # entries to ask for
        waiting = Signal(16)  # entries to deliver
        next_entry = Signal(ADDRESS_WIDTH)
        request = reader.i
        m.d.comb += [
            Value.cast(self.frame).eq(header),
            Value.cast(self.groups.payload).eq(entry),
            self.busy.eq(1),
        ]
        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += self.busy.eq(0)
                with m.If(self.start):
                    m.d.sync += next_entry.eq(self.address)
                    m.next = "ASK_HEADER"
            with m.State("ASK_HEADER"):
                m.d.comb += [
                    request.payload.address.eq(next_entry),
                    request.payload.length.eq(header_words),
                    request.valid.eq(1),
                ]
                m.d.sync += words.eq(header_words)
                with m.If(request.ready):
                    m.next = "HEADER"
            with m.State("HEADER"):
                m.d.comb += reader.o.ready.eq(1)
                with m.If(reader.o.valid):
                    m.d.sync += [header.eq(_shift_in(header, reader.o.payload)), words.eq(words - 1)]
                    with m.If(words == 1):
                        m.next = "PREPARE"
            with m.State("PREPARE"):
                count = self.frame.group_count[:16]
                m.d.sync += [
                    next_entry.eq(self.frame.group_address),
                    left.eq(count),
                    waiting.eq(count),
                    words.eq(entry_words),
                ]
                m.next = "GROUPS"
            with m.State("GROUPS"):
                m.d.comb += [
                    request.payload.address.eq(next_entry),
                    request.payload.length.eq(entry_words),
                    request.valid.eq(left != 0),
                    reader.o.ready.eq(~self.groups.valid),
                ]
                with m.If(transfer(request)):
                    m.d.sync += [next_entry.eq(next_entry + GROUP_BYTES), left.eq(left - 1)]
                with m.If(transfer(reader.o)):
                    m.d.sync += [
                        entry.eq(_shift_in(entry, reader.o.payload)),
                        words.eq(Mux(words == 1, entry_words, words - 1)),
                        self.groups.valid.eq(words == 1),
                    ]
                with m.If(transfer(self.groups)):
                    m.d.sync += [self.groups.valid.eq(0), waiting.eq(waiting - 1)]
                with m.If(waiting == 0):
                    m.next = "IDLE"
        return m


def _shift_in(register: Value, word: Value) -> Value:
    """The register after `word` came in at its top; the first word ends up at the bottom."""
    return Cat(register, word)[len(word) :]
