"""Coarse filter: rows of Gaussians in, survivors out one by one."""

from __future__ import annotations

from amaranth.hdl import Array, Elaboratable, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.splat.memory_map import record_bytes
from hw.lib.one_hot import lowest
from hw.lib.skid_buffer import SkidBuffer
from hw.lib.stream import connect, transfer
from hw.lib.stream_pipeline import StreamPipeline
from hw.splat.coarse_lane import group_fields
from hw.splat.coarse_row import CoarseRow
from hw.splat.config import Config
from hw.splat.layouts import CandidateLayout, RowLayout, group_layout, header_layout

ROWS_WAITING = 30  # rows with survivors that may wait for their turn


class CoarseFilter(wiring.Component):
    """Tests a row a cycle and sends its survivors on in memory order.

    Latency 17 cycles. A row leaves after as many cycles as it has survivors (at least one if it
    carries a mark); rows with neither vanish. With two fine units, an even survivor takes the odd
    one behind it along where a memory word holds both records. `groups` moves on with the row that
    ends the group.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        super().__init__(
            {
                "i": In(stream.Signature(RowLayout(config.spec, config.coarse_lanes))),  #: rows of neighbours
                "groups": In(stream.Signature(group_layout())),  #: the rows' group; taken with the row that ends it
                "frame": In(header_layout()),  #: the frame's header, constant while the frame is drawn
                #: survivors and marks, in order
                "o": Out(stream.Signature(CandidateLayout(config.spec, config.fine_units))),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        unit = CoarseRow(spec=self.config.spec, lanes=self.config.coarse_lanes)
        m.submodules.pipeline = pipeline = StreamPipeline(unit, depth=ROWS_WAITING, keep="keep")
        m.d.comb += [
            unit.frame.eq(self.frame),
            pipeline.i.payload.row.eq(self.i.payload),
            *(pipeline.i.payload[name].eq(self.groups.payload[name]) for name in group_fields(self.config.spec)),
            pipeline.i.valid.eq(self.i.valid & self.groups.valid),
            self.i.ready.eq(pipeline.i.ready & self.groups.valid),
            self.groups.ready.eq(transfer(self.i) & self.i.payload.visit.end),
        ]
        # Whether the next block takes a survivor depends on its mark, and a row's last frees its place in the pipeline.
        m.submodules.slice = slice_ = SkidBuffer(shape=self.o.payload.shape())
        connect(m, slice_.o, self.o)
        self._serialise(m, pipeline.o, slice_.i)
        return m

    def _serialise(self, m: Module, rows: stream.Interface, o: stream.Interface) -> None:
        """One survivor or pair a cycle, lowest lane first; the row's mark goes with its first payload."""
        row, out = rows.payload, o.payload
        lanes = self.config.coarse_lanes
        sent = Signal(lanes)
        left = Signal(lanes)
        chosen = Signal(lanes)
        going = Signal(lanes)  # what is chosen, and its partner
        m.d.comb += [
            left.eq(row.mask & ~sent),
            chosen.eq(lowest(left)),
            o.valid.eq(rows.valid),
            rows.ready.eq(o.ready & ((left & ~going) == 0)),
            going.eq(chosen),
            out.mark.eq(row.mark),
            out.mark.begin.eq(row.mark.begin & (sent == 0)),
        ]
        for k in range(lanes):
            with m.If(chosen[k]):
                m.d.comb += [
                    out.index.eq(row.index + k),
                    out.rank_low.eq(row.ranks_low[k]),
                    out.point.eq(row.points[k]),
                    out.relative.eq(row.relatives[k]),
                ]
        with m.If(transfer(o)):
            m.d.sync += sent.eq((sent | going) & ~rows.ready.replicate(lanes))
        if self.config.fine_units > 1:
            self._pair(m, row, out.partner, left, chosen, going)

    def _pair(self, m: Module, row: data.View, partner: data.View, left: Signal, chosen: Signal, going: Signal) -> None:
        """The survivor behind one on an even lane goes with it, if a memory word holds both records."""
        sizes = [2 * record_bytes(degree) <= self.config.word_bytes for degree in range(4)]
        shares = Signal()
        m.d.sync += shares.eq(Array(sizes)[self.frame.sh_degree[:2]])
        for k in range(0, self.config.coarse_lanes, 2):
            with m.If(chosen[k]):
                m.d.comb += [
                    partner.there.eq(left[k + 1] & shares),
                    going[k + 1].eq(partner.there),
                    partner.rank_low.eq(row.ranks_low[k + 1]),
                    partner.point.eq(row.points[k + 1]),
                    partner.relative.eq(row.relatives[k + 1]),
                ]
