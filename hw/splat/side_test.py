"""A voxel's box against both sides of a column or row of groups."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.splat.spec import HALF_BITS, LIST_SLACK, NORMAL_FRACTION, Spec
from hw.lib.pipe import Pipe, Staged
from hw.lib.tree import add_all
from hw.splat.layouts import vector
from hw.splat.side_unit import FRONT
from hw.splat.voxel_layouts import EXPONENT_WIDTH, NORMAL_WIDTH, SidesLayout

SUM_WIDTH = NORMAL_WIDTH + HALF_BITS + 2
LONGEST_SHIFT = (1 << EXPONENT_WIDTH) - 1


def test_layouts(spec: Spec, position_bits: int) -> tuple[data.StructLayout, data.StructLayout]:
    """A test of a box against two sides, and its answer."""
    tags = {
        "axis": 2,  #: of the sides: columns, rows, the camera's plane
        "position": position_bits,  #: number of the column or row
        "final": 1,  #: the voxel's last test
    }
    box = {
        "middle": vector(spec),  #: of the voxel's box, in camera space
        "half": data.ArrayLayout(HALF_BITS, 3),  #: its half extents along world axes
        "exponent": EXPONENT_WIDTH,  #: of these
        "sides": SidesLayout(spec),  #: to test it against
    }
    return data.StructLayout({**box, **tags}), data.StructLayout({"passed": 1, **tags})


class SideTest(wiring.Component):
    """a - slope·z against the box's extent along either side's normal; `golden.splat.vsu.reach`.

    With axis `FRONT` a is z, and only the low side counts. Latency 8 cycles, one test a cycle; two
    multipliers of 32×12 bits and six of 16×12.
    """

    latency = 8

    def __init__(self, *, spec: Spec, position_bits: int) -> None:
        self.spec = spec
        asked, answer = test_layouts(spec, position_bits)
        super().__init__(
            {
                "i": In(asked),  #: a box and two sides
                "o": Out(answer),  #: 8 cycles later: it reaches between them
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = Pipe(m, platform)
        axis = p.source(self.i.axis, "axis")
        # What comes from a memory comes late.
        sides = p.stage(lambda s: s, p.source(self.i.sides, "sides"), name="sides_in")
        x, y, z = (p.source(self.i.middle[k], name) for k, name in enumerate("xyz"))
        along = p.stage(lambda a, x, y, z: Mux(a == FRONT, z, Mux(a[0], y, x)), axis, x, y, z, name="along")
        low, low_extent = self._side(p, "low", sides, along, z)
        high, high_extent = self._side(p, "high", sides, along, z)
        low_room = p.stage(lambda v, e: v + e, low, low_extent, name="low_room")
        high_room = p.stage(lambda v, e: e - v, high, high_extent, name="high_room")
        passed = p.stage(lambda v, w, a: ~v[-1] & (~w[-1] | (a == FRONT)), low_room, high_room, axis, name="passed")
        p.finish(
            self.o,
            self.latency,
            passed=passed,
            axis=axis,
            position=p.source(self.i.position, "position"),
            final=p.source(self.i.final, "final"),
        )
        return m

    def _side(self, p: Pipe, name: str, sides: Staged, along: Staged, z: Staged) -> tuple[Staged, Staged]:
        """How far the box's middle lies behind a side, and how far the box reaches from it."""
        side = sides.value[name]
        slope = Staged(side.slope, sides.stage, f"{name}_slope")
        normal = [Staged(side.normal[k], sides.stage, f"{name}_normal_{k}") for k in range(3)]
        half = [p.source(self.i.half[k], f"half_{k}") for k in range(3)]
        exponent = p.source(self.i.exponent, "exponent")
        return beside_side(p, self.spec, along, z, slope, *normal, *half, exponent, name=name)


def beside_side(
    p: Pipe, spec: Spec, along: Staged, z: Staged, slope: Staged, *box: Staged, name: str
) -> tuple[Staged, Staged]:
    """How far a point lies behind a side, and how far a box around it reaches from it.

    `box`: the side's normal, the box's half extents, their exponent.
    """
    normals, halves, exponent = box[:3], box[3:6], box[6]
    product = p.stage(
        lambda *t: add_all(t), *p.parted_product(z, slope, name=f"{name}_product"), name=f"{name}_product"
    )
    beside = p.stage(lambda a, v: a - v.shift_right(spec.slope_format.fraction), along, product, name=f"{name}_beside")
    terms: list[Staged] = []
    for k, (normal, half) in enumerate(zip(normals, halves, strict=True)):
        terms += p.parted_product(half, normal, name=f"{name}_term_{k}")
    total = p.stage(lambda *t: add_all(t), *terms, name=f"{name}_sum")
    wide = p.shift_left(total, exponent, SUM_WIDTH + LONGEST_SHIFT, name=f"{name}_wide")
    extent = p.stage(lambda w: w.shift_right(NORMAL_FRACTION) + 1 + LIST_SLACK, wide, name=f"{name}_extent")
    return beside, extent
