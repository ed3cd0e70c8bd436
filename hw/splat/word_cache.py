"""Keeps words that were read from memory for groups that read them again."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.lib.memory import two_port_memory
from hw.lib.memory_port import ADDRESS_WIDTH, MAX_BURST, ReadSignature
from hw.lib.queue import StreamQueue
from hw.lib.stream import transfer

ROW = 32  # places that are emptied in a cycle


class WordCache(wiring.Component):
    """A direct-mapped cache of `words` memory words between a reader and its port.

    One word a cycle is looked up; one that is not there is asked for by itself, and its place is given to it at once.
    Answers come in the order of the questions, and each word is stored when its turn comes: so a word that is still
    on its way counts as there, and one that is to be replaced is read before that. A word that is there leaves 6
    cycles after its request came, others 3 cycles later than without the cache. `waiting` words may be under way.

    After `clear`, which must come while nothing is under way, nothing is there; it takes a cycle for every 32 words, in
    which nothing is looked up. The cache does not know of writes: whoever changes what it may hold clears it.

    Raises:
        ValueError: `words` is no power of two of at least 2, or `waiting` is below 2.
    """

    def __init__(self, *, width: int, words: int, waiting: int) -> None:
        if words < 2 or words & (words - 1):
            raise ValueError(f"WordCache: words must be a power of two of at least 2, it is {words}")
        if waiting < 2:
            raise ValueError(f"WordCache: waiting must be at least 2, it is {waiting}")
        self.width, self.words, self.waiting = width, words, waiting
        self.log2_word = (width // 8).bit_length() - 1
        self.slot_bits = words.bit_length() - 1
        self.row = min(ROW, words // 2)
        super().__init__(
            {
                "clear": In(1),  #: forget every word
                "client": In(ReadSignature(width)),  #: the reader
                "memory": Out(ReadSignature(width)),  #: what it reads beyond what is there
                "hit": Out(1),  #: a word that was asked for is there, or on its way
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        #: a word that was asked for: whether it is there, its place, and whether it ends its burst
        entry = data.StructLayout({"known": 1, "slot": self.slot_bits, "last": 1})
        m.submodules.waiting = waiting = StreamQueue(shape=entry, depth=self.waiting)
        self._ask(m, platform, waiting)
        self._answer(m, platform, waiting)
        return m

    def _ask(self, m: Module, platform: object, waiting: StreamQueue) -> None:
        """Looks words up, one after the other, and asks for those that are not there."""
        slots = self.slot_bits
        number = ADDRESS_WIDTH - self.log2_word  # bits of a word's number: its place, and above it its tag
        write, read = two_port_memory(m, platform, "tags", width=number - slots, depth=self.words)
        write_row, read_row = two_port_memory(m, platform, "there", width=self.row, depth=self.words // self.row)
        log2_row = self.row.bit_length() - 1
        asked, request = self.client.request, self.memory.request

        word = Signal(number)  # the next to look up
        left = Signal(range(MAX_BURST + 1))  # of its burst
        looked = Signal(number)  # the one that is looked up …
        looking = Signal()
        ends = Signal()  # … and ends its burst
        before = Signal(number)  # the one before it, which is there …
        after = Signal()  # … if there is one
        clearing = Signal(init=1)
        cleared = Signal(slots - log2_row)
        row = Signal(self.row)  # which places of the row of `looked` hold a word …
        filled = Signal(self.row)  # … and now its own, too
        latest = Signal(self.row)  # the same of the one before it …
        of_row = Signal()  # … which is in the same row
        known, goes, step, free, again = Signal(), Signal(), Signal(), Signal(), Signal()
        m.d.comb += [
            row.eq(Mux(of_row, latest, read_row.data)),
            filled.eq(row | (1 << looked[:log2_row] if log2_row else 1)),
            free.eq(~request.valid | request.ready),
            known.eq(
                Mux(
                    after & (before[:slots] == looked[:slots]),
                    before[slots:] == looked[slots:],
                    row.bit_select(looked[:log2_row], 1) & (read.data == looked[slots:]),
                )
            ),
            goes.eq(looking & waiting.i.ready & free),
            step.eq((left != 0) & (~looking | goes) & ~clearing),
            asked.ready.eq((left == 0) | (step & (left == 1))),
            waiting.i.valid.eq(goes),
            waiting.i.payload.known.eq(known),
            waiting.i.payload.slot.eq(looked[:slots]),
            waiting.i.payload.last.eq(ends),
            self.hit.eq(goes & known),
            # The word looked up in this cycle is `before` in the next: neither its tag nor its row need be read.
            read.addr.eq(word[:slots]),
            read.en.eq(step & ~(looking & (word[:slots] == looked[:slots]))),
            write.en.eq(goes),
            write.addr.eq(looked[:slots]),
            write.data.eq(looked[slots:]),
            again.eq(looking & (word[log2_row:slots] == looked[log2_row:slots])),
            read_row.addr.eq(word[log2_row:slots]),
            read_row.en.eq(step & ~again),
            write_row.en.eq(clearing | goes),
            write_row.addr.eq(Mux(clearing, cleared, looked[log2_row:slots])),
            write_row.data.eq(Mux(clearing, 0, filled)),
        ]
        m.d.sync += looking.eq(step | (looking & ~goes))
        with m.If(step):
            m.d.sync += [looked.eq(word), ends.eq(left == 1), word.eq(word + 1), left.eq(left - 1), of_row.eq(again)]
        with m.If(transfer(asked)):
            m.d.sync += [word.eq(asked.payload.address[self.log2_word :]), left.eq(asked.payload.length)]
        with m.If(goes):
            m.d.sync += [before.eq(looked), after.eq(1), latest.eq(filled)]
        with m.If(request.ready):
            m.d.sync += request.valid.eq(0)
        with m.If(goes & ~known):
            m.d.sync += [
                request.valid.eq(1),
                request.payload.address.eq(looked << self.log2_word),
                request.payload.length.eq(1),
            ]
        with m.If(self.clear):
            m.d.sync += [clearing.eq(1), cleared.eq(0), after.eq(0)]
        with m.Elif(clearing):
            m.d.sync += [cleared.eq(cleared + 1), clearing.eq(cleared != self.words // self.row - 1)]

    def _answer(self, m: Module, platform: object, waiting: StreamQueue) -> None:
        """Gives the words in order: those that are there from the chip, others from memory, which are kept."""
        write, read = two_port_memory(m, platform, "words", width=self.width, depth=self.words)
        turn = waiting.o
        response, out = self.memory.response, self.client.response
        free, take = Signal(), Signal()
        kept = Signal()  # the word at `out` comes from the chip
        fresh = Signal(self.width)  # the word from memory
        m.d.comb += [
            free.eq(~out.valid | out.ready),
            take.eq(turn.valid & free & (turn.payload.known | response.valid)),
            turn.ready.eq(take),
            response.ready.eq(turn.valid & free & ~turn.payload.known),
            read.addr.eq(turn.payload.slot),
            read.en.eq(take & turn.payload.known),
            write.addr.eq(turn.payload.slot),
            write.data.eq(response.payload.data),
            write.en.eq(transfer(response)),
            out.payload.data.eq(Mux(kept, read.data, fresh)),
        ]
        with m.If(free):
            m.d.sync += out.valid.eq(take)
        with m.If(take):
            m.d.sync += [
                kept.eq(turn.payload.known),
                fresh.eq(response.payload.data),
                out.payload.last.eq(turn.payload.last),
            ]
