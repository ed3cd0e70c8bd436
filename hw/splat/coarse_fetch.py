"""Streams the coarse halves of the visited voxels, a row of neighbours a cycle."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from golden.splat.memory_map import COARSE_BYTES, ORDERED_DROP
from hw.lib.fork import StreamFork
from hw.lib.memory_port import ReadSignature
from hw.lib.queue import StreamQueue
from hw.lib.run_reader import RunReader
from hw.lib.stream import connect, transfer
from hw.splat.config import Config
from hw.splat.layouts import RowLayout, VisitLayout
from hw.splat.row_layouts import header_layout

BURST = 8  # words a request


class CoarseFetch(wiring.Component):
    """For every visited voxel, its Gaussians' coarse halves in memory order.

    One row of `coarse_lanes` Gaussians a cycle; a voxel's last row may be partly masked, and with
    codebooks, where a voxel begins anywhere in a word, its first one, too. An end mark becomes a
    row with an empty mask. Reads ahead by up to `coarse_words` words and half as many voxels: a
    small voxel takes a word or two. With `shared_sort` in an `ordered` frame a visit has all that is wanted of its one
    Gaussian: it becomes a row, on lane 0 and without a mark, and nothing is read.
    """

    def __init__(self, *, config: Config) -> None:
        self.config, self.shared = config, config.shared_sort == 1
        visits = VisitLayout(config.spec, shared=self.shared)
        super().__init__(
            {
                "i": In(stream.Signature(visits)),  #: voxels in visiting order, and end marks
                "frame": In(header_layout()),  #: the frame's header, constant while the frame is drawn
                #: rows of a voxel in memory order; an end mark is a row with an empty mask
                "o": Out(stream.Signature(RowLayout(config.spec, config.coarse_lanes))),
                "memory": Out(ReadSignature(config.memory_width)),  #: coarse halves
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        config = self.config
        shape = VisitLayout(config.spec, shared=self.shared)
        m.submodules.fork = fork = StreamFork(shape=shape, count=2)
        m.submodules.visits = visits = StreamQueue(shape=shape, depth=max(config.coarse_words // 2, 1))
        m.submodules.reader = reader = RunReader(
            width=config.memory_width, depth=config.coarse_words, burst=min(BURST, config.coarse_words)
        )
        wiring.connect(m, wiring.flipped(self.memory), reader.memory)
        connect(m, self.i, fork.i)
        connect(m, fork.o[1], visits.i)
        self._ask(m, fork.o[0], reader.i)
        if config.spec.codebooks:
            self._dense_rows(m, visits.o, reader.o)
        else:
            self._rows(m, visits.o, reader.o)
        if self.shared:
            self._in_order(m, visits.o, reader.o)
        return m

    def _ask(self, m: Module, visit: stream.Interface, run: stream.Interface) -> None:
        """Requests a voxel's words; an end mark has none."""
        per_word = self.config.word_bytes // COARSE_BYTES
        first, count, end = visit.payload.first, visit.payload["count"], visit.payload.end
        if self.config.spec.codebooks:  # from the beginning of a word that it may share with the voxel before
            before = first[: (per_word - 1).bit_length()]
            first, count = first - before, count + before
        m.d.comb += [
            run.payload.address.eq(self.frame.coarse_address + first.shift_left((COARSE_BYTES - 1).bit_length())),
            run.payload.length.eq((count + (per_word - 1)).shift_right((per_word - 1).bit_length())),
            run.valid.eq(visit.valid & ~end & ~self._ordered),
            visit.ready.eq(run.ready | end | self._ordered),
        ]

    @property
    def _ordered(self) -> Value:
        """The frame's lists are in drawing order."""
        return self.frame.ordered[0] if self.shared else Const(0, 1)

    def _rows(self, m: Module, visit: stream.Interface, words: stream.Interface) -> None:
        """Cuts words in rows; takes the next visit with the last row of the one before."""
        lanes = self.config.coarse_lanes
        rows_per_word = self.config.word_bytes // COARSE_BYTES // lanes
        done = Signal(17)  # Gaussians of this voxel already sent
        row = Signal(range(max(rows_per_word, 2)))
        count, end = visit.payload["count"], visit.payload.end
        after = Signal(17)
        last = Signal()
        width = len(words.payload) // rows_per_word
        out = self.o.payload
        m.d.comb += [
            after.eq(done + lanes),
            last.eq(end | (after >= count)),
            *(out.visit[name].eq(visit.payload[name]) for name in VisitLayout(self.config.spec).members),
            out.begin.eq(~end & (done == 0)),
            out.index.eq(visit.payload.first + done),
            out.mask.eq(Cat(~end & (done + k < count) for k in range(lanes))),
            Value.cast(out.halves).eq(words.payload.word_select(row, width)),
            self.o.valid.eq(visit.valid & (end | words.valid)),
            visit.ready.eq(transfer(self.o) & last),
            words.ready.eq(transfer(self.o) & ~end & (last | (row == rows_per_word - 1))),
        ]
        with m.If(transfer(self.o) & ~end & ~self._ordered):
            m.d.sync += [
                done.eq(Mux(last, 0, after)),
                row.eq(Mux(last | (row == rows_per_word - 1), 0, row + 1)),
            ]

    def _dense_rows(self, m: Module, visit: stream.Interface, words: stream.Interface) -> None:
        """The same where a voxel begins anywhere: its first row may begin with Gaussians of the voxel before."""
        lanes = self.config.coarse_lanes
        per_word = self.config.word_bytes // COARSE_BYTES
        log2_lanes = (lanes - 1).bit_length()
        rows_per_word = per_word // lanes
        row = Signal(range(max(rows_per_word, 2)))  # of the word, but for the voxel's first
        after_first = Signal()
        done = Signal(17)  # of a voxel's lanes, from its first row's beginning on, those that were sent
        first, count, end = visit.payload.first, visit.payload["count"], visit.payload.end
        before = first[:log2_lanes]  # lanes of its first row that are not its own
        mine = [*(k >= before for k in range(lanes - 1)), Const(1)]  # a first row holds one Gaussian at least
        here = Signal.like(row)
        stop = Signal(18)  # lanes from the first row's beginning to the voxel's end
        last = Signal()
        out = self.o.payload
        width = len(words.payload) // rows_per_word
        word_done = here == rows_per_word - 1
        m.d.comb += [
            here.eq(Mux(after_first, row, first[log2_lanes : (per_word - 1).bit_length()])),
            stop.eq(count + before),
            last.eq(end | (done + lanes >= stop)),
            *(out.visit[name].eq(visit.payload[name]) for name in VisitLayout(self.config.spec).members),
            out.begin.eq(~end & ~after_first),
            out.index.eq(first - before + done),
            out.mask.eq(Cat(~end & (done + k < stop) & (after_first | mine[k]) for k in range(lanes))),
            # A word may come while the end waits to be taken: nothing of it shows.
            Value.cast(out.halves).eq(Mux(end, 0, words.payload.word_select(here, width))),
            self.o.valid.eq(visit.valid & (end | words.valid)),
            visit.ready.eq(transfer(self.o) & last),
            words.ready.eq(transfer(self.o) & ~end & (last | word_done)),
        ]
        with m.If(transfer(self.o) & ~end & ~self._ordered):
            m.d.sync += [
                done.eq(Mux(last, 0, done + lanes)),
                after_first.eq(~last),
                row.eq(Mux(word_done, 0, here + 1)),
            ]

    def _in_order(self, m: Module, visit: stream.Interface, words: stream.Interface) -> None:
        """In an `ordered` frame a visit is a row, and its coarse half is what it brings; its radius is rounded up."""
        out, own, end = self.o.payload, visit.payload.own, visit.payload.end
        with m.If(self._ordered):
            m.d.comb += [
                out.begin.eq(0),
                out.index.eq(visit.payload.first),
                out.mask.eq(~end),
                Value.cast(out.halves).eq(0),
                *(out.halves[0][f"offset_{axis}"].eq(own[f"offset_{axis}"]) for axis in "xyz"),
                out.halves[0].radius.eq(Cat(Const(-1, ORDERED_DROP), own.radius)),
                self.o.valid.eq(visit.valid),
                visit.ready.eq(self.o.ready),
                words.ready.eq(0),
            ]
