"""A splat's ranges spread to a mask of sub-tiles."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.splat.spec import RANGES, Spec
from hw.lib.payloads import SortedLayout
from hw.lib.pipe import Pipe
from hw.splat.layouts import TileSplatLayout
from hw.splat.tiles import numbers_inside, tiles_inside


class TileMask(wiring.Component):
    """One bit for each sub-tile of the square, row by row; `golden.splat.touch.tiles`.

    Ranges are kept as long as a splat waits for its turn, since they are a fifth of the mask.
    Latency 2 cycles, one a cycle.
    """

    latency = 2

    def __init__(self, *, spec: Spec, id_bits: int = 0) -> None:
        self.spec = spec
        super().__init__(
            {
                "i": In(SortedLayout(spec, id_bits)),  #: a sorted splat or an end
                "o": Out(TileSplatLayout(spec, spec.columns**2, id_bits)),  #: the same with its mask
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = Pipe(m, platform)
        columns = self.spec.columns
        touch = self.i.touch
        hits = [
            p.stage(
                lambda t, n=count: numbers_inside(t.first, t.last, n), p.source(touch[name], name), name=f"hit_{name}"
            )
            for name, count in zip(RANGES, self.spec.range_sizes, strict=True)
        ]
        direction = p.source(touch.direction, "direction")
        mask = p.stage(lambda d, *hit: Cat(tiles_inside(hit, d, columns)), direction, *hits, name="mask")
        p.finish(
            self.o,
            self.latency,
            end=p.source(self.i.end, "end"),
            mask=mask,
            splat=p.source(Value.cast(self.i.splat), "splat"),
        )
        return m
