"""Reads the codebooks of a frame's scene, unless they are those of the frame before."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.splat.memory_map import BOOKS_BYTES, HEADER_BYTES, LEAST_SH_BYTES, LINE_BYTES, VIEW_BYTES
from hw.lib.memory_port import ADDRESS_WIDTH, ReadSignature
from hw.lib.stream import transfer
from hw.splat.layouts import BookLineLayout
from hw.splat.row_layouts import books_layout

LINE_BITS = 8 * LINE_BYTES
MOST_ENTRIES = LINE_BYTES // LEAST_SH_BYTES  # of higher coefficients in a line


class BookLoader(wiring.Component):
    """On `start`, reads where the books of the frame at `address` lie, and then them, a line at a time.

    `held`, the version of the books on chip, is kept from frame to frame: a frame that names the same one loads
    nothing but its 64 bytes behind the view. Version 0 is never held. One line of 64 bytes a cycle at most, asked for
    without waiting for the one before; lines leave as they come, for nobody holds them up. Of the higher coefficients,
    which share a line where the scene's degree is low, an entry leaves in a cycle; only for them memory words wait.

    Raises:
        ValueError: a memory word is longer than a line.
    """

    def __init__(self, *, memory_width: int) -> None:
        if memory_width > LINE_BITS:
            raise ValueError(f"BookLoader: memory_width must be at most {LINE_BITS}, it is {memory_width}")
        self.memory_width = memory_width
        super().__init__(
            {
                "start": In(1),  #: begin a frame; ignored while `busy`
                "address": In(ADDRESS_WIDTH),  #: of its header, in bytes
                "line": Out(BookLineLayout()),  #: a line of a book, or an entry, while `look` or `sh`
                "busy": Out(1),  #: the frame's books are not all there yet; from the cycle after `start` on
                "loads": Out(1),  #: the frame's books are others than those held, in one cycle of the frame
                "memory": Out(ReadSignature(memory_width)),  #: where they lie
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        words = LINE_BITS // self.memory_width  # of a line
        request, response = self.memory.request, self.memory.response
        gathered = Signal(LINE_BITS)
        filled = Signal(range(words + 1))
        left = Signal(range(MOST_ENTRIES + 1))  # how often `gathered`, which is a line, still leaves
        leaves = left != 0
        place = Signal.like(self.address)  # of the next line to ask for
        to_ask = Signal(32)  # lines
        number = Signal.like(self.line.line)  # of the line or entry that leaves next
        to_come = Signal(32)  # lines that have not left
        entries = Signal.like(left)  # in a line
        held = Signal(32)
        row = Signal(books_layout())
        m.d.comb += [
            response.ready.eq(left <= 1),
            request.payload.address.eq(place),
            request.payload.length.eq(words),
            request.valid.eq(to_ask != 0),
            self.line.data.eq(gathered),
            self.line.line.eq(number),
        ]
        with m.If(transfer(request)):
            m.d.sync += [place.eq(place + LINE_BYTES), to_ask.eq(to_ask - 1)]
        with m.If(leaves):
            m.d.sync += [number.eq(number + 1), left.eq(left - 1)]
            for k in range(1, MOST_ENTRIES.bit_length()):
                with m.If(entries[k]):
                    m.d.sync += gathered.eq(gathered >> (LINE_BITS >> k))
        with m.If(transfer(response)):
            m.d.sync += [
                gathered.eq(Cat(gathered, response.payload.data)[self.memory_width :]),
                filled.eq(Mux(filled == words - 1, 0, filled + 1)),
            ]
            with m.If(filled == words - 1):
                m.d.sync += left.eq(entries)
        with m.If(left == 1):
            m.d.sync += to_come.eq(to_come - 1)
        last = (left == 1) & (to_come == 1)

        def ask(address: object, lines: object, times: object = 1) -> list:
            return [place.eq(address), to_ask.eq(lines), to_come.eq(lines), number.eq(0), entries.eq(times)]

        m.d.comb += self.busy.eq(1)
        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += self.busy.eq(0)
                with m.If(self.start):
                    m.d.sync += ask(self.address + (HEADER_BYTES + VIEW_BYTES), BOOKS_BYTES // LINE_BYTES)
                    m.next = "ROW"
            with m.State("ROW"):
                with m.If(last):
                    m.d.sync += row.eq(gathered)
                    m.next = "COMPARE"
            with m.State("COMPARE"):
                with m.If((row.version != 0) & (row.version == held)):
                    m.next = "IDLE"
                with m.Else():
                    m.d.comb += self.loads.eq(1)
                    m.d.sync += [held.eq(row.version), *ask(row.look_address, row.look_lines)]
                    m.next = "LOOK"
            with m.State("LOOK"):
                m.d.comb += self.line.look.eq(leaves)
                with m.If(last):
                    m.d.sync += ask(row.sh_address, row.sh_lines, row.sh_line_entries)
                    m.next = "SH"
            with m.State("SH"):
                m.d.comb += self.line.sh.eq(leaves)
                with m.If(last | (to_come == 0)):
                    m.next = "IDLE"
        return m
