"""Is a node's box in the picture?"""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Mux, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.lod.spec import DISTANCE_BITS, MANTISSA, PLANE_BITS, PLANE_GUARD
from hw.lib.fixed import resize
from hw.lib.leading_zeros import leading_zeros
from hw.lib.pipe import Pipe, Staged
from hw.lod.layouts import planes_layout

SIDE_BITS = DISTANCE_BITS + 1  # of a side of the box seen from the camera, two's complement
NEAR_BITS = MANTISSA + 1


class FrustumCheck(wiring.Component):
    """n·corner < -PLANE_GUARD for one of four planes, corner the box's farthest along n.

    Equals `golden.lod.frustum_check`. 12 multipliers of 18 by 12 bits. Latency 9 cycles, throughput one box a cycle.
    """

    latency = 9

    def __init__(self) -> None:
        sides = data.ArrayLayout(signed(SIDE_BITS), 3)
        super().__init__(
            {
                "planes": In(planes_layout()),  #: constant while boxes are under way; a normal of zero has no outside
                #: lower and upper sides of a box, in cells from the camera
                "i": In(data.StructLayout({"low": sides, "high": sides})),
                "o": Out(data.StructLayout({"outside": 1})),  #: the box lies behind one of the planes
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = Pipe(m, platform)
        sides = [
            p.stage(lambda v: v, p.source(self.i[name][k], f"{name}_{k}"), name=f"{name}_in_{k}")
            for name in ("low", "high")
            for k in range(3)
        ]
        amount = self._amount(p, sides)
        near: list[Staged] = []
        for side in sides:
            shifted = p.shift_right(side, amount, name=f"{side.name}_near")
            near.append(Staged(shifted.value[:NEAR_BITS].as_signed(), shifted.stage, f"{side.name}_near"))
        products = [product for plane in range(4) for product in self._products(p, near, plane)]

        def behind(*values: Value) -> Value:
            width = signed(NEAR_BITS + PLANE_BITS + 2)
            sums = [values[k] + values[k + 1] + values[k + 2] + PLANE_GUARD for k in range(0, 12, 3)]
            return Cat(resize(total, width)[-1] for total in sums).any()

        p.finish(self.o, self.latency, outside=p.stage(behind, *products, name="outside"))
        return m

    def _amount(self, p: Pipe, sides: list[Staged]) -> Staged:
        """Places by which the longest side exceeds 17 bits, 0 to 8."""

        def longest(*values: Value) -> Value:
            merged = values[0] ^ values[0][-1].replicate(SIDE_BITS)
            for value in values[1:]:
                merged |= value ^ value[-1].replicate(SIDE_BITS)
            return merged[:DISTANCE_BITS]

        def excess(value: Value) -> Value:
            zeros = leading_zeros(value[MANTISSA:])
            return resize(DISTANCE_BITS - MANTISSA - zeros, unsigned(4))

        merged = p.stage(longest, *sides, name="longest")
        return p.stage(excess, merged, name="excess")

    def _products(self, p: Pipe, near: list[Staged], plane: int) -> list[Staged]:
        """The parts of n·corner along the three axes."""
        products: list[Staged] = []
        for k in range(3):
            normal = p.constant(self.planes[plane][k], f"normal_{plane}_{k}")
            name = f"{plane}_{k}"
            corner = p.stage(lambda a, b, n: Mux(n < 0, a, b), near[k], near[3 + k], normal, name=f"corner_{name}")
            product = p.stage(lambda v, n: v * n, corner, normal, name=f"product_{name}")
            products.append(p.stage(lambda v: v, product, name=f"product_in_{name}"))
        return products
