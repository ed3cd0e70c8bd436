"""Whether a 2×2 block of pixels is drawn, for all four at once."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.splat.spec import Spec
from hw.lib.fixed import shape_of
from hw.lib.pipe import Pipe, Staged
from hw.splat.exponent import passes


class QuadCheck(wiring.Component):
    """The block's `alpha_check`, `quad_any` or `quad_centre`; `golden.splat.pixel_lane.alpha`.

    "quad_any": any of the four pixels passes its test. "quad_centre": the block's centre does, where
    -log2(alpha) = (first + last - bend) >> 1. SLTarch (arXiv 2507.21499) draws 2×2 blocks so that no lane
    diverges from its neighbours; where it tests, its abstract does not say. `latency` cycles, one a cycle.
    """

    def __init__(self, *, spec: Spec) -> None:
        self.spec = spec
        power = shape_of(spec.power_format)
        any_of = {
            "passes": 4,  #: of the block's pixels
        }
        centre = {
            "first": power,  #: -log2(alpha) of the block's first pixel …
            "last": power,  #: … and of the one across from it
            "bend": power,  #: of the splat
        }
        self.latency = 2 if spec.alpha_check == "quad_any" else 3
        super().__init__(
            {
                "i": In(data.StructLayout(any_of if spec.alpha_check == "quad_any" else centre)),  #: of one block
                "o": Out(data.StructLayout({"drawn": 1})),  #: the block is drawn, where there is a splat
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = Pipe(m, platform)
        drawn = self._any(p) if self.spec.alpha_check == "quad_any" else self._centre(p)
        p.finish(self.o, self.latency, drawn=Staged(p.at(drawn, self.latency), self.latency, "drawn"))
        return m

    def _any(self, p: Pipe) -> Staged:
        return p.stage(lambda v: v.any(), p.source(self.i.passes, "passes"), name="any")

    def _centre(self, p: Pipe) -> Staged:
        first, last, bend = (p.source(self.i[name], name) for name in ("first", "last", "bend"))
        ends = p.stage(lambda a, b: a + b, first, last, name="ends")
        centre = p.stage(lambda e, b: (e - b) >> 1, ends, bend, name="centre")
        return p.stage(lambda v: passes(v, self.spec), centre, name="centre_passes")
