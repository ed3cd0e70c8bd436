"""Coarse filter: rows of Gaussians in, survivors out one by one."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.lib.one_hot import encode, lowest
from hw.lib.queue import StreamQueue
from hw.lib.skid_buffer import SkidBuffer
from hw.lib.stream import connect, transfer
from hw.lib.stream_pipeline import StreamPipeline
from hw.splat.coarse_lane import group_fields
from hw.splat.coarse_row import CoarseRow
from hw.splat.config import Config
from hw.splat.layouts import CandidateLayout, RowLayout, partner_spec
from hw.splat.row_layouts import group_layout, header_layout


class CoarseFilter(wiring.Component):
    """Tests a row a cycle, or one in `coarse_interval`, and sends its survivors on in memory order.

    Latency 17 cycles. A row leaves after as many cycles as it has survivors (at least one if it
    carries a mark); rows with neither vanish. With two fine units, survivors leave in pairs where a memory word holds
    both records and the second unit can draw the scene's degree (`partner_spec`): an even one takes the odd one behind
    it along, with codebooks any the next of its row. `groups` moves on with the row that ends the group.
    Of a frame that `sorts` all leave one by one.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        super().__init__(
            {
                "i": In(stream.Signature(RowLayout(config.spec, config.coarse_lanes))),  #: rows of neighbours
                "groups": In(stream.Signature(group_layout())),  #: the rows' group; taken with the row that ends it
                "frame": In(header_layout()),  #: the frame's header, constant while the frame is drawn
                "passed": Out(32),  #: of the group that ended last: so many first voxels have nothing behind its depths
                #: survivors and marks, in order
                "o": Out(stream.Signature(CandidateLayout(config.spec, config.fine_units, writes=config.writes_order))),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        config = self.config
        unit = CoarseRow(
            spec=config.spec, lanes=config.coarse_lanes, interval=config.coarse_interval, writes=config.writes_order
        )
        m.submodules.pipeline = pipeline = StreamPipeline(
            unit, depth=config.row_depth, keep="keep", interval=config.coarse_interval
        )
        m.d.comb += [
            unit.frame.eq(self.frame),
            pipeline.i.payload.row.eq(self.i.payload),
            *(pipeline.i.payload[name].eq(self.groups.payload[name]) for name in group_fields(self.config.spec)),
            pipeline.i.valid.eq(self.i.valid & self.groups.valid),
            self.i.ready.eq(pipeline.i.ready & self.groups.valid),
            self.groups.ready.eq(transfer(self.i) & self.i.payload.visit.end),
        ]
        self._count_passed(m, pipeline.arrived, unit.o)
        # Whether the next block takes a survivor depends on its mark, and a row's last frees its place in the pipeline.
        shape = self.o.payload.shape()
        m.submodules.slice = slice_ = StreamQueue(shape=shape, depth=1) if config.lean else SkidBuffer(shape=shape)
        connect(m, slice_.o, self.o)
        self._serialise(m, pipeline.o, slice_.i)
        return m

    def _count_passed(self, m: Module, arrived: Signal, row: data.View) -> None:
        """Numbers a group's voxels up to the first that has something behind the group's depths, or else the last."""
        voxel = Signal(32)
        begun, found = Signal(), Signal()
        with m.If(arrived & row.mark.end):
            m.d.sync += [self.passed.eq(voxel), voxel.eq(0), begun.eq(0), found.eq(0)]
        with m.Elif(arrived & ~found):
            m.d.sync += [voxel.eq(voxel + (begun & row.mark.begin)), begun.eq(1), found.eq(row.beyond)]

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
                if self.config.writes_order:
                    m.d.comb += out.radius.eq(row.radii[k])
        with m.If(transfer(o)):
            m.d.sync += sent.eq((sent | going) & ~rows.ready.replicate(lanes))
        if self.config.fine_units > 1:
            self._pair(m, row, out.partner, left, chosen, going)

    def _pair(self, m: Module, row: data.View, partner: data.View, left: Signal, chosen: Signal, going: Signal) -> None:
        """Another survivor goes with the one that is chosen, if a memory word holds both records."""
        spec, lanes = self.config.spec, self.config.coarse_lanes
        shares = Signal()
        other = Signal(lanes)
        small = self.frame.sh_degree[:2] <= partner_spec(spec).sh_degree
        m.d.sync += shares.eq(small & ~self.frame.sorts[0] if self.config.writes_order else small)
        if spec.codebooks:
            m.d.comb += other.eq(lowest(left & ~chosen))
        else:
            for k in range(1, lanes, 2):
                m.d.comb += other[k].eq(chosen[k - 1] & left[k])
        m.d.comb += [
            partner.there.eq(other.any() & shares),
            going.eq(chosen | Mux(partner.there, other, 0)),
        ]
        for k in range(1, lanes):
            with m.If(other[k]):
                m.d.comb += [
                    partner.rank_low.eq(row.ranks_low[k]),
                    partner.point.eq(row.points[k]),
                    partner.relative.eq(row.relatives[k]),
                ]
                if spec.codebooks:
                    m.d.comb += partner.behind.eq(k - encode(chosen))
