"""A voxel's box against both sides of a column and of a row of groups, by one circuit."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Elaboratable, Module, Mux
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.splat.spec import Spec
from hw.lib.paced import in_turn, paced_pipe, turn_port, turns
from hw.lib.pipe import Pipe, Staged
from hw.splat.side_test import SideTest, beside_side, test_layouts
from hw.splat.side_unit import FRONT

AXES = ("column", "row")
SIDES = ("low", "high")


class CrossTest(wiring.Component):
    """Two `SideTest`s once in `interval` cycles, 4 or more: their four sides come in turn.

    Latency 12 cycles; a multiplier of 32×12 bits and three of 16×12.
    """

    latency = SideTest.latency + turns(len(AXES) * len(SIDES), 4)

    def __init__(self, *, spec: Spec, position_bits: int, interval: int) -> None:
        self.spec, self.interval = spec, interval
        asked, answer = test_layouts(spec, position_bits)
        super().__init__(
            {
                **turn_port(interval),
                "i": In(data.StructLayout(dict.fromkeys(AXES, asked))),  #: two tests of one box
                "o": Out(data.StructLayout(dict.fromkeys(AXES, answer))),  #: their answers, `latency` later
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = paced_pipe(m, platform, self)
        sets = [operands for name in AXES for operands in self._operands(p, name)]

        def side(*operands: Any) -> tuple[Staged, Staged]:
            *items, name = operands
            return beside_side(p, self.spec, *items, name=name)

        found = in_turn(p, side, sets, [f"{axis}_{side}" for axis in AXES for side in SIDES])
        answers = {name: self._answer(p, name, *found[2 * k : 2 * k + 2]) for k, name in enumerate(AXES)}
        p.finish(self.o, self.latency, **answers)
        return m

    def _operands(self, p: Pipe, name: str) -> list[list[Staged]]:
        """What both sides of a test are computed from."""
        i = self.i[name]
        axis = p.source(i.axis, f"{name}_axis")
        # What comes from a memory comes late.
        sides = p.stage(lambda s: s, p.source(i.sides, f"{name}_sides"), name=f"{name}_sides_in")
        x, y, z = (p.source(i.middle[k], f"{name}_{c}") for k, c in enumerate("xyz"))
        along = p.stage(lambda a, x, y, z: Mux(a == FRONT, z, Mux(a[0], y, x)), axis, x, y, z, name=f"{name}_along")
        half = [p.source(i.half[k], f"{name}_half_{k}") for k in range(3)]
        exponent = p.source(i.exponent, f"{name}_exponent")

        def of(side: str) -> list[Staged]:
            fields = sides.value[side]
            slope = Staged(fields.slope, sides.stage, f"{name}_{side}_slope")
            normal = [Staged(fields.normal[k], sides.stage, f"{name}_{side}_normal_{k}") for k in range(3)]
            return [along, z, slope, *normal, *half, exponent]

        return [of(side) for side in SIDES]

    def _answer(self, p: Pipe, name: str, low: tuple[Staged, Staged], high: tuple[Staged, Staged]) -> Staged:
        i = self.i[name]
        axis = p.source(i.axis, f"{name}_axis")
        low_room = p.stage(lambda v, e: v + e, *low, name=f"{name}_low_room")
        high_room = p.stage(lambda v, e: e - v, *high, name=f"{name}_high_room")
        passed = p.stage(
            lambda v, w, a: ~v[-1] & (~w[-1] | (a == FRONT)), low_room, high_room, axis, name=f"{name}_passed"
        )
        tags = [p.source(i[tag], f"{name}_{tag}") for tag in ("position", "final")]
        return p.join([passed, axis, *tags], f"{name}_answer")
