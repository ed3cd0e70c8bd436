"""The datapath of the coarse filter: all lanes of a row, in step."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.splat.spec import RANK_LOW_BITS, Spec
from hw.lib.paced import paced_pipe, turn_port
from hw.lib.shared import repeat
from hw.splat.coarse_lane import SLOWER, CoarseLane, group_fields
from hw.splat.layouts import INDEX_WIDTH, RADIUS_KEPT, MarkLayout, RowLayout, vector
from hw.splat.row_layouts import header_layout


class CoarseResultLayout(data.StructLayout):
    """A row after the test; `writes`: with what else a list in drawing order holds."""

    def __init__(self, spec: Spec, lanes: int, *, writes: bool = False) -> None:
        super().__init__(
            {
                "mark": MarkLayout(spec),  #: of the whole row; `some` if it has a survivor
                "index": INDEX_WIDTH,  #: of the Gaussian on lane 0
                "mask": lanes,  #: survivors
                "beyond": 1,  #: there would be one more, but it lies behind the group's range of depths
                "ranks_low": data.ArrayLayout(RANK_LOW_BITS, lanes),  #: of their places in the file
                "points": data.ArrayLayout(vector(spec), lanes),  #: centres in camera space
                "relatives": data.ArrayLayout(vector(spec), lanes),  #: centres from the camera, world axes
                **(
                    {"radii": data.ArrayLayout(RADIUS_KEPT, lanes)} if writes else {}
                ),  #: the highest bits of their codes
                "keep": 1,  #: the row has a survivor or carries a mark
            }
        )


class CoarseRow(wiring.Component):
    """`lanes` coarse lanes on one row; latency 14 cycles, one row a cycle; a few more for one in `interval`."""

    def __init__(self, *, spec: Spec, lanes: int, interval: int = 1, writes: bool = False) -> None:
        self.spec, self.lanes, self.interval, self.writes = spec, lanes, interval, writes
        self.latency = CoarseLane.LATENCY + SLOWER[interval]
        super().__init__(
            {
                **turn_port(interval),
                #: a row, and its group's slopes and range of depths
                "i": In(data.StructLayout({"row": RowLayout(spec, lanes), **group_fields(spec)})),
                "frame": In(header_layout()),  #: the frame's header, constant while the frame is drawn
                "o": Out(CoarseResultLayout(spec, lanes, writes=writes)),  #: `latency` cycles later
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = paced_pipe(m, platform, self)
        row, out = self.i.row, self.o
        lanes = repeat(
            m, platform, "coarse_lane", self.lanes, lambda: CoarseLane(spec=self.spec, interval=self.interval)
        )

        def late(value: Value, name: str) -> Value:
            return p.at(p.source(value, name), self.latency)

        for k, lane in enumerate(lanes):
            if self.interval > 1:
                m.d.comb += lane.turn.eq(self.turn)
            m.d.comb += [
                lane.frame.eq(self.frame),
                lane.i.half.eq(row.halves[k]),
                lane.i.mask.eq(row.mask[k]),
                lane.i.origin.eq(row.visit.origin),
                lane.i.relative.eq(row.visit.relative),
                *(lane.i[name].eq(self.i[name]) for name in group_fields(self.spec)),
                out.ranks_low[k].eq(late(row.halves[k].rank_low, f"rank_low_{k}")),
                out.points[k].eq(lane.o.point),
                out.relatives[k].eq(lane.o.relative),
            ]
            if self.writes:
                m.d.comb += out.radii[k].eq(late(row.halves[k].radius[-RADIUS_KEPT:], f"radius_{k}"))
        begin, end = late(row.begin, "begin"), late(row.visit.end, "end")
        m.d.comb += [
            out.mask.eq(Cat(lane.o.keep for lane in lanes)),
            out.beyond.eq(Cat(lane.o.beyond for lane in lanes).any()),
            out.index.eq(late(row.index, "index")),
            out.mark.begin.eq(begin),
            out.mark.end.eq(end),
            out.mark.bound.eq(late(row.visit.bound, "bound")),
            out.mark.some.eq(out.mask.any()),
            out.keep.eq(out.mark.some | begin | end),
        ]
        return m
