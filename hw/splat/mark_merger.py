"""Lets marks without a Gaussian travel with the next payload."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, ShapeLike, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from golden.splat.spec import Spec
from hw.lib.stream import transfer


class MarkMerger(wiring.Component):
    """Holds the mark of a voxel that has no Gaussian here until the next payload, so that it costs that no cycle.

    A voxel's mark says that nothing behind it is nearer than its bound. Of marks behind one another
    the last says as much as all, since bounds rise; a Gaussian takes it along. Before the group's
    end none is needed: what is left of it is dropped. A bound that is lower than the one held back
    goes behind it, so that a fall is seen. Latency 0, one payload a cycle.
    """

    def __init__(self, *, spec: Spec, shape: ShapeLike) -> None:
        self.spec = spec
        super().__init__(
            {
                "i": In(stream.Signature(shape)),  #: payloads with a `mark`, in order
                "o": Out(stream.Signature(shape)),  #: the same, marks merged
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        mark, out = self.i.payload.mark, self.o.payload.mark
        held = Signal()  # there is a mark
        bound = Signal(self.spec.depth_bits)  # its bound
        falls, alone = Signal(), Signal()
        m.d.comb += [
            falls.eq(held & mark.begin & (mark.bound < bound)),
            alone.eq(mark.begin & ~mark.some & ~mark.end & ~falls),
            self.o.valid.eq(self.i.valid & ~alone),
            self.i.ready.eq(alone | (self.o.ready & ~falls)),
            self.o.payload.eq(self.i.payload),
            out.begin.eq(mark.begin | (held & ~mark.end)),
            out.bound.eq(Mux(mark.begin & ~falls, mark.bound, bound)),
            out.some.eq(mark.some & ~falls),
            out.end.eq(mark.end & ~falls),
        ]
        with m.If(transfer(self.o)):
            m.d.sync += held.eq(0)
        with m.Elif(transfer(self.i)):
            m.d.sync += [held.eq(1), bound.eq(mark.bound)]
        return m
