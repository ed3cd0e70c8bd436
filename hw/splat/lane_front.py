"""Front end of a pixel lane that shares its back end: -log2(alpha) and the test on it."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Shape, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.splat.spec import Spec
from hw.lib.fixed import resize, shape_of
from hw.lib.pipe import Pipe
from hw.splat.exponent import passes


def passed_shape(spec: Spec) -> Shape:
    """Of a power that has passed the test: from -1 to log2(255)."""
    return signed(spec.power_fraction + 4)


class LaneFront(wiring.Component):
    """p = row + column + cross, as `PixelLane` forms it, and whether α = 2**-p is 1/255 at least. No multiplier.

    Latency 3 cycles, one operation a cycle. Source: Lumina, NRU's front ends.
    """

    latency = 3

    def __init__(self, *, spec: Spec) -> None:
        self.spec = spec
        power = shape_of(spec.power_format)
        super().__init__(
            {
                #: terms of this pixel's p; `draw`: there is a splat that may reach it
                "i": In(data.StructLayout({"row": power, "column": power, "cross": power, "draw": 1})),
                #: `visible`: the splat is to be drawn; then `power` is p
                "o": Out(data.StructLayout({"visible": 1, "power": passed_shape(spec)})),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = Pipe(m, platform)
        spec = self.spec
        shape = shape_of(spec.power_format)
        row, column, cross, draw = (p.source(self.i[n], n) for n in ("row", "column", "cross", "draw"))
        flat = p.stage(lambda r, c: resize(r + c, shape), row, column, name="flat")
        total = p.stage(lambda f, c: resize(f + c, shape), flat, cross, name="power")
        visible = p.stage(lambda t, d: d & passes(t, spec), total, draw, name="visible")
        power = p.stage(lambda t: resize(t, passed_shape(spec)), total, name="passed")
        p.finish(self.o, self.latency, visible=visible, power=power)
        return m
