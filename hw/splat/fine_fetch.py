"""Fetches the records of the candidates."""

from __future__ import annotations

from amaranth.hdl import Array, Const, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.splat.memory_map import INDEX_RECORD_BYTES, ORDERED_NUMBER, record_bytes
from golden.splat.spec import RANK_BITS, Spec
from hw.lib.burst_reader import BurstReader
from hw.lib.memory_port import ADDRESS_WIDTH, ReadSignature
from hw.lib.queue import StreamQueue
from hw.lib.stream import transfer
from hw.splat.config import Config
from hw.splat.layouts import INDEX_WIDTH, CandidateLayout, DetailLayout, IndexedLayout
from hw.splat.row_layouts import header_layout


def log2_records(spec: Spec) -> list[int]:
    """Logarithm of a record's bytes by the scene's degree."""
    return [(INDEX_RECORD_BYTES if spec.codebooks else record_bytes(d)).bit_length() - 1 for d in range(4)]


class FineFetch(wiring.Component):
    """Joins every candidate with its record, in order.

    Records are 32 or 64 bytes by the scene's degree, 8 with codebooks: several in a word or several words each. A
    word is read once for neighbouring candidates that share it. One candidate a cycle if its
    record is in the word at hand or takes one word. A partner's record is in the same word, right behind the
    candidate's or, with codebooks, `behind` records further on. Marks without a Gaussian pass through.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        self.log2_records = log2_records(config.spec)
        candidates = CandidateLayout(config.spec, config.fine_units, writes=config.writes_order)
        detail = (
            IndexedLayout(config.spec, config.fine_units)
            if config.spec.codebooks
            else DetailLayout(config.spec, config.fine_units, writes=config.writes_order)
        )
        super().__init__(
            {
                "i": In(stream.Signature(candidates)),  #: candidates and marks
                "frame": In(header_layout()),  #: the frame's header, constant while the frame is drawn
                "o": Out(stream.Signature(detail)),  #: the same with records, in order
                "memory": Out(ReadSignature(config.memory_width)),  #: records
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        config = self.config
        #: a candidate on its way to its record; `fresh`: the record comes from words asked for with it
        waiting = data.StructLayout({"candidate": self.i.payload.shape(), "fresh": 1})
        m.submodules.queue = queue = StreamQueue(shape=waiting, depth=config.candidate_depth)
        m.submodules.reader = reader = BurstReader(width=config.memory_width, depth=config.record_words)
        wiring.connect(m, wiring.flipped(self.memory), reader.memory)

        log2_word = config.word_bytes.bit_length() - 1
        log2_record = Signal(range(8))
        words = Signal(range(5))  # of a record
        m.d.sync += [
            log2_record.eq(Array(self.log2_records)[self.frame.sh_degree[:2]]),
            words.eq(Mux(log2_record > log2_word, 1 << (log2_record - log2_word)[:2], 1)),
        ]
        self._ask(m, queue.i, reader.i, log2_record, words, log2_word)
        self._answer(m, queue.o, reader.o, log2_record, words, log2_word)
        return m

    def _ask(
        self, m: Module, waiting: stream.Interface, request: stream.Interface,
        log2_record: Value, words: Value, log2_word: int,
    ) -> None:  # fmt: skip
        """Requests a candidate's word unless the one before has it."""
        candidate = self.i.payload
        some = candidate.mark.some
        offset = Signal(INDEX_WIDTH + 6)
        place = Signal(len(offset) - log2_word)  # which word of the record array
        known = Signal.like(place)
        known_valid = Signal()
        fresh = Signal()
        m.d.comb += [
            offset.eq(candidate.index << log2_record),
            place.eq(offset >> log2_word),
            fresh.eq(some & ~(known_valid & (place == known))),
            request.payload.address.eq((self.frame.record_address + place.shift_left(log2_word))[:ADDRESS_WIDTH]),
            request.payload.length.eq(words),
            request.valid.eq(self.i.valid & fresh & waiting.ready),
            waiting.payload.candidate.eq(candidate),
            waiting.payload.fresh.eq(fresh),
            waiting.valid.eq(self.i.valid & (~fresh | request.ready)),
            self.i.ready.eq(waiting.ready & (~fresh | request.ready)),
        ]
        with m.If(transfer(self.i)):
            with m.If(candidate.mark.end):
                m.d.sync += known_valid.eq(0)
            with m.Elif(some):
                m.d.sync += [known.eq(place), known_valid.eq(1)]

    def _answer(
        self, m: Module, waiting: stream.Interface, words_in: stream.Interface,
        log2_record: Value, words: Value, log2_word: int,
    ) -> None:  # fmt: skip
        """Puts the record beside its candidate; the last word stays for the next one."""
        candidate, fresh = waiting.payload.candidate, waiting.payload.fresh
        width = self.config.memory_width
        held = Signal(max(width, 8 * record_bytes(self.config.spec.sh_degree)))
        parts = len(held) // width
        have = Signal(range(parts + 1))  # words of a fresh record of several words already in `held`
        # A small device has no multiplexer for what never comes.
        never = self.config.lean and min(self.log2_records) + 3 > (width - 1).bit_length()
        single = Const(0) if never else words == 1
        free = Signal()
        complete = Signal()
        m.d.comb += [
            free.eq(~self.o.valid | self.o.ready),
            complete.eq(~fresh | Mux(single, words_in.valid, have == words)),
            waiting.ready.eq(free & complete),
            words_in.ready.eq(waiting.valid & fresh & Mux(single, free, have != words)),
        ]
        with m.If(transfer(words_in)):
            with m.If(single):
                m.d.sync += held[:width].eq(words_in.payload)
            with m.Else():
                place = have[: max((parts - 1).bit_length(), 1)]
                m.d.sync += [held.word_select(place, width).eq(words_in.payload), have.eq(have + 1)]

        out = self.o.payload
        word = Mux(fresh & single, words_in.payload, held[:width])
        if self.config.fine_units > 1:
            self._partner(m, transfer(waiting), candidate, word)
        if log2_word > self.log2_records[0]:  # several records of the smallest size in a word
            chunk = (candidate.index << log2_record)[self.log2_records[0] : log2_word]
            word = word >> chunk.shift_left(self.log2_records[0] + 3)
        with m.If(free):
            m.d.sync += self.o.valid.eq(waiting.valid & complete)
        with m.If(transfer(waiting)):
            m.d.sync += [
                have.eq(0),
                out.mark.eq(candidate.mark),
                *(
                    [out.rank.eq(candidate.index[:RANK_BITS])]
                    if self.config.spec.codebooks
                    else [out.rank_low.eq(candidate.rank_low)]
                ),
                *(
                    [out.number.eq(candidate.index[:ORDERED_NUMBER]), out.radius.eq(candidate.radius)]
                    if self.config.writes_order
                    else []
                ),
                out.point.eq(candidate.point),
                out.relative.eq(candidate.relative),
                Value.cast(out.record).eq(Mux(single, word, held)),
            ]

    def _partner(self, m: Module, takes: Value, candidate: data.View, word: Value) -> None:
        """Puts the partner's record, of the word that holds the candidate's, beside it."""
        partner, out = candidate.partner, self.o.payload.partner
        log2_record = self.log2_records[0]
        if self.config.spec.codebooks:
            number = (candidate.index + partner.behind)[:INDEX_WIDTH]
            place = number[: (self.config.word_bytes >> log2_record).bit_length() - 1]
            rank, record = out.rank.eq(number[:RANK_BITS]), word.word_select(place, 8 << log2_record)
        else:
            rank, record = out.rank_low.eq(partner.rank_low), word[8 << log2_record :]
        with m.If(takes):
            m.d.sync += [
                *(out[name].eq(partner[name]) for name in ("there", "point", "relative")),
                rank,
                Value.cast(out.record).eq(record),
            ]
