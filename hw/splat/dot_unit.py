"""A vector along a row of the camera's rotation."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.splat.spec import Spec
from hw.lib.fixed import resize, shape_of
from hw.lib.paced import in_turn, paced_pipe, turn_port, turns
from hw.lib.pipe import Staged
from hw.lib.tree import add_all
from hw.splat.layouts import vector
from hw.splat.row_layouts import header_layout


class DotUnit(wiring.Component):
    """(vector · row) >> fraction; latency 3 cycles, one a cycle; three multipliers of 32×12 bits.

    Once in 4 cycles: 7 cycles and one of them.
    """

    def __init__(self, *, spec: Spec, steps: int, interval: int = 1) -> None:
        self.spec, self.interval = spec, interval
        self.latency = 3 + turns(3, interval)
        step = {"step": range(steps)}
        super().__init__(
            {
                **turn_port(interval),
                "i": In(data.StructLayout({"vector": vector(spec), "row": 2, **step})),  #: factors, and a tag
                "frame": In(header_layout()),  #: the frame's header, constant while vectors are under way
                "o": Out(data.StructLayout({"dot": shape_of(spec.camera_format), **step})),  #: `latency` cycles later
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = paced_pipe(m, platform, self)
        rotation = self.spec.rotation_format
        row = p.source(self.i.row, "row")

        def term(vector: Staged, row: Staged, x: Staged, y: Staged, z: Staged, name: str) -> tuple[Staged, ...]:
            """A coordinate along the row, in parts."""
            chosen = p.stage(
                lambda number, x, y, z: Mux(number[1], z, Mux(number[0], y, x)), row, x, y, z, name=f"factor_{name}"
            )
            return tuple(p.parted_product(vector, chosen, name=f"product_{name}"))

        sets = [
            [p.source(self.i.vector[k], f"vector_{k}"), row]
            + [
                p.constant(self.frame[f"rotation_{r}{k}"][: rotation.width].as_signed(), f"rotation_{r}{k}")
                for r in range(3)
            ]
            for k in range(3)
        ]
        products = [part for parts in in_turn(p, term, sets, "012") for part in parts]
        coordinate = shape_of(self.spec.camera_format)
        dot = p.stage(lambda *t: resize(add_all(t).shift_right(rotation.fraction), coordinate), *products, name="dot")
        p.finish(self.o, self.latency, dot=dot, step=p.source(self.i.step, "step"))
        return m
