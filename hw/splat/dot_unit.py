"""A vector along a row of the camera's rotation."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.splat.spec import Spec
from hw.lib.fixed import resize, shape_of
from hw.lib.pipe import Pipe, Staged
from hw.lib.tree import add_all
from hw.splat.layouts import header_layout, vector


class DotUnit(wiring.Component):
    """(vector · row) >> fraction; latency 3 cycles, one a cycle; three multipliers of 32×12 bits."""

    latency = 3

    def __init__(self, *, spec: Spec, steps: int) -> None:
        self.spec = spec
        step = {"step": range(steps)}
        super().__init__(
            {
                "i": In(data.StructLayout({"vector": vector(spec), "row": 2, **step})),  #: factors, and a tag
                "frame": In(header_layout()),  #: the frame's header, constant while vectors are under way
                "o": Out(data.StructLayout({"dot": shape_of(spec.camera_format), **step})),  #: 3 cycles later
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = Pipe(m, platform)
        rotation = self.spec.rotation_format
        row = p.source(self.i.row, "row")

        def factor(number: Value, k: int) -> Value:
            x, y, z = (self.frame[f"rotation_{r}{k}"][: rotation.width].as_signed() for r in range(3))
            return Mux(number[1], z, Mux(number[0], y, x))

        products: list[Staged] = []
        for k in range(3):
            chosen = p.stage(lambda number, k=k: factor(number, k), row, name=f"factor_{k}")
            products += p.parted_product(p.source(self.i.vector[k], f"vector_{k}"), chosen, name=f"product_{k}")
        coordinate = shape_of(self.spec.camera_format)
        dot = p.stage(lambda *t: resize(add_all(t).shift_right(rotation.fraction), coordinate), *products, name="dot")
        p.finish(self.o, self.latency, dot=dot, step=p.source(self.i.step, "step"))
        return m
