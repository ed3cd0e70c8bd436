"""The way around the depth sort, for frames whose lists are in drawing order."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from golden.splat.spec import Spec
from hw.lib.payloads import SortedLayout
from hw.lib.skid_buffer import SkidBuffer
from hw.lib.stream import connect, transfer
from hw.splat.layouts import SurvivorLayout

GROUP_BITS = 16  # of the number of groups in the depth sort: their ends may wait behind it


class SortBypass(wiring.Component):
    """Survivors to the depth sort and sorted splats from it; in an `ordered` frame straight on, as they come.

    Of an `ordered` frame nothing leaves before the last group of those before it has left the sort. Splats and ends of
    groups go on, marks of voxels alone end here. Of a frame that `sorts` what leaves the sort goes to `lists`; it, and
    the frame behind it, come into the sort when nothing of another kind is there. Latency 1 cycle behind the sort or
    the filter, one payload a cycle. Both flags change only when no group has begun here and not ended.
    """

    def __init__(self, *, spec: Spec) -> None:
        self.spec = spec
        survivors, splats = stream.Signature(SurvivorLayout(spec)), stream.Signature(SortedLayout(spec))
        super().__init__(
            {
                "ordered": In(1),  #: the frame's lists are in drawing order
                "sorts": In(1),  #: the frame's lists are to be written in drawing order
                "i": In(survivors),  #: of the fine filter, with marks
                "to_sort": Out(survivors),  #: the same, unless `ordered`
                "from_sort": In(splats),  #: what the depth sort makes of them
                "o": Out(splats),  #: splats in drawing order, and each group's end
                "lists": Out(splats),  #: the same of frames that `sorts`
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.slice = slice_ = SkidBuffer(shape=SortedLayout(self.spec))
        connect(m, slice_.o, self.o)
        mark, out = self.i.payload.mark, slice_.i
        inside = Signal(GROUP_BITS)  # groups in the sort, but for one that has begun
        straight, same = Signal(), Signal()
        writing = Signal()  # what is in the sort is of a frame that `sorts`
        source = self.from_sort
        alone = ~mark.some & ~mark.end
        m.d.comb += [
            straight.eq(self.ordered & (inside == 0)),
            self.to_sort.payload.eq(self.i.payload),
            same.eq(writing == self.sorts),
            self.to_sort.valid.eq(self.i.valid & ~self.ordered & same),
            self.i.ready.eq(Mux(self.ordered, straight & (out.ready | alone), self.to_sort.ready & same)),
            source.ready.eq(Mux(writing, self.lists.ready, out.ready & ~straight)),
            self.lists.valid.eq(source.valid & writing),
            self.lists.payload.eq(source.payload),
            out.valid.eq(Mux(straight, self.i.valid & ~alone, source.valid & ~writing)),
            out.payload.eq(source.payload),
        ]
        with m.If(inside == 0):
            m.d.sync += writing.eq(self.sorts)
        with m.If(straight):
            m.d.comb += [out.payload[name].eq(self.i.payload[name]) for name in ("touch", "splat")]
            m.d.comb += [out.payload.end.eq(mark.end), out.payload.kept.eq(0)]
        ends = transfer(self.to_sort) & mark.end
        m.d.sync += inside.eq(inside + ends - (transfer(source) & source.payload.end))
        return m
