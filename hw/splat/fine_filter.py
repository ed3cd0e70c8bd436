"""Fine filter: candidates with their records in, splats out."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from golden.splat.spec import Spec
from hw.lib.stream import transfer
from hw.lib.stream_pipeline import StreamPipeline
from hw.splat.fine_unit import FineUnit
from hw.splat.layouts import DetailLayout, SurvivorLayout, group_layout, header_layout


class FineFilter(wiring.Component):
    """Runs `FineUnit` on a stream and drops what colours nothing.

    Latency 56 cycles, one candidate a cycle. `groups` gives one entry a group; it moves on with
    the payload that ends the group.
    """

    def __init__(self, *, spec: Spec) -> None:
        self.spec = spec
        super().__init__(
            {
                "i": In(stream.Signature(DetailLayout(spec))),  #: candidates with their records, and marks
                "groups": In(stream.Signature(group_layout())),  #: the candidates' group
                "frame": In(header_layout()),  #: the frame's header, constant while the frame is drawn
                "o": Out(stream.Signature(SurvivorLayout(spec))),  #: splats and marks, in order
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        unit = FineUnit(spec=self.spec)
        m.submodules.pipeline = pipeline = StreamPipeline(unit, keep="keep")
        group = self.groups.payload
        m.d.comb += [
            unit.frame.eq(self.frame),
            pipeline.i.payload.detail.eq(self.i.payload),
            *(
                pipeline.i.payload[name].eq(group[name])
                for name in ("centre_x", "centre_y", "valid_columns", "valid_rows")
            ),
            pipeline.i.valid.eq(self.i.valid & self.groups.valid),
            self.i.ready.eq(pipeline.i.ready & self.groups.valid),
            self.groups.ready.eq(transfer(self.i) & self.i.payload.mark.end),
            self.o.payload.eq(pipeline.o.payload.survivor),
            self.o.valid.eq(pipeline.o.valid),
            pipeline.o.ready.eq(self.o.ready),
        ]
        return m
