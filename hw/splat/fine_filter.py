"""Fine filter: candidates with their records in, splats out."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.lib.skid_buffer import SkidBuffer
from hw.lib.stream import connect, transfer
from hw.lib.stream_pipeline import StreamPipeline
from hw.splat.config import Config
from hw.splat.fine_pair import FinePair
from hw.splat.fine_unit import GROUP_FIELDS, FineUnit
from hw.splat.layouts import DetailLayout, SurvivorLayout
from hw.splat.row_layouts import group_layout, header_layout


class FineFilter(wiring.Component):
    """Runs `FineUnit`, or two of them, on a stream and drops what colours nothing.

    Latency 61 cycles, one candidate a cycle; of two units one pair a cycle. A pair of which both colour
    something leaves in 2 cycles, or at once where the depth sort has two `sort_inputs`. One unit may take a candidate
    in `fine_interval` cycles. `groups` gives one entry a group; it moves on with the payload that ends the group.
    """

    def __init__(self, *, config: Config) -> None:
        self.spec, self.units, self.interval = config.spec, config.fine_units, config.fine_interval
        self.survivors = SurvivorLayout(config.spec, config.sort_inputs)
        self.joins = config.sort_inputs > 1
        details = stream.Signature(DetailLayout(config.spec, config.fine_units))
        super().__init__(
            {
                "i": In(details),  #: candidates with their records, and marks
                "groups": In(stream.Signature(group_layout())),  #: the candidates' group
                "frame": In(header_layout()),  #: the frame's header, constant while the frame is drawn
                "o": Out(stream.Signature(self.survivors)),  #: splats and marks, in order
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        unit = FinePair(spec=self.spec) if self.units > 1 else FineUnit(spec=self.spec, interval=self.interval)
        m.submodules.pipeline = pipeline = StreamPipeline(unit, keep="keep", interval=self.interval)
        group = self.groups.payload
        m.d.comb += [
            unit.frame.eq(self.frame),
            pipeline.i.payload.detail.eq(self.i.payload),
            *(pipeline.i.payload[name].eq(group[name]) for name in GROUP_FIELDS),
            pipeline.i.valid.eq(self.i.valid & self.groups.valid),
            self.i.ready.eq(pipeline.i.ready & self.groups.valid),
            self.groups.ready.eq(transfer(self.i) & self.i.payload.mark.end),
        ]
        # The depth sort's first cycle has no time for the choice, nor for the pipeline's memory.
        m.submodules.slice = slice_ = SkidBuffer(shape=self.survivors)
        connect(m, slice_.o, self.o)
        if self.units > 1:
            (self._join if self.joins else self._take_turns)(m, pipeline.o, slice_.i)
        else:
            m.d.comb += [
                slice_.i.payload.eq(pipeline.o.payload.survivor),
                slice_.i.valid.eq(pipeline.o.valid),
                pipeline.o.ready.eq(slice_.i.ready),
            ]
        return m

    def _take_turns(self, m: Module, pairs: stream.Interface, out: stream.Interface) -> None:
        """To `out` the first of a pair, if it is worth passing on, then the second."""
        first, second = pairs.payload.first, pairs.payload.second
        passed = Signal()  # the first has left
        later = Signal()
        m.d.comb += [
            later.eq(passed | ~first.keep),
            out.valid.eq(pairs.valid),
            out.payload.eq(Mux(later, second.survivor, first.survivor)),
            pairs.ready.eq(out.ready & (later | ~second.keep)),
        ]
        with m.If(transfer(out)):
            m.d.sync += passed.eq(~pairs.ready)

    def _join(self, m: Module, pairs: stream.Interface, out: stream.Interface) -> None:
        """To `out` what of a pair is a splat, with the pair's mark."""
        first, second = pairs.payload.first.survivor, pairs.payload.second.survivor
        both = out.payload.partner
        m.d.comb += [
            out.valid.eq(pairs.valid),
            pairs.ready.eq(out.ready),
            out.payload.mark.eq(first.mark),
            out.payload.mark.some.eq(first.mark.some | second.mark.some),
            both.there.eq(first.mark.some & second.mark.some),
        ]
        for name in ("depth", "rank", "touch", "splat"):
            alone = Mux(first.mark.some, Value.cast(first[name]), Value.cast(second[name]))
            m.d.comb += [Value.cast(out.payload[name]).eq(alone), Value.cast(both[name]).eq(Value.cast(second[name]))]
