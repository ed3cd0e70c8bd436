"""The Gaussian's own axes in camera space, from two quaternions."""

from __future__ import annotations

from collections.abc import Callable

from amaranth.hdl import Elaboratable, Module, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.splat.spec import Spec
from hw.lib.fixed import saturate, shape_of, shift_round
from hw.lib.paced import paced_pipe, turn_port
from hw.lib.pipe import Pipe, Staged
from hw.lib.tree import add_all
from hw.splat.layouts import header_layout


class ViewRotation(wiring.Component):
    """o = matrix of q_camera · q, row by row; `golden.splat.view_rotation`.

    Latency 7 cycles, one a cycle; 16 + 9 multipliers.
    """

    latency = 7

    def __init__(self, *, spec: Spec, interval: int = 1) -> None:
        self.spec, self.interval = spec, interval
        entry = shape_of(spec.rotation_format)
        quaternion = data.ArrayLayout(shape_of(spec.quaternion_format), 4)
        super().__init__(
            {
                **turn_port(interval),
                "i": In(data.StructLayout({"quaternion": quaternion})),  #: w, x, y, z as stored
                "frame": In(header_layout()),  #: the frame's header, constant while the frame is drawn
                "o": Out(
                    data.StructLayout({"rotation": data.ArrayLayout(entry, 9)})
                ),  #: row by row; rows are camera axes
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = paced_pipe(m, platform, self)
        q = [p.source(self.i.quaternion[k], name) for k, name in enumerate("wxyz")]
        rotation = self._matrix(p, self._product(p, q))
        p.finish(self.o, self.latency, rotation=p.join(rotation, "rotation"))
        return m

    def _product(self, p: Pipe, q: list[Staged]) -> list[Staged]:
        """q_camera · q, rounded to rotation_format: 3 cycles."""
        fmt = self.spec.rotation_format
        camera = [self.frame[f"quaternion_{k}"][: fmt.width].as_signed() for k in range(4)]
        # Row r of the product takes camera[k] · q[k ^ r] with these signs.
        signs = ((1, -1, -1, -1), (1, 1, 1, -1), (1, -1, 1, 1), (1, 1, -1, 1))
        result: list[Staged] = []
        for row in range(4):
            terms = [p.stage(lambda v, c=camera[k]: v * c, q[k ^ row], name=f"term_{row}{k}") for k in range(4)]
            total = p.stage(
                lambda *t, s=signs[row]: sum(v if sign > 0 else -v for v, sign in zip(t, s, strict=True)),
                *terms,
                name=f"total_{row}",
            )
            down = self.spec.quaternion_format.fraction
            result.append(
                p.stage(lambda v, down=down: saturate(shift_round(v, down, "half_up"), fmt), total, name=f"q_{row}")
            )
        return result

    def _matrix(self, p: Pipe, q: list[Staged]) -> list[Staged]:
        """The nine entries: 4 cycles."""
        fmt = self.spec.rotation_format
        one = 1 << (2 * fmt.fraction - 1)
        pairs = [(0, 1), (0, 2), (0, 3), (1, 1), (1, 2), (1, 3), (2, 2), (2, 3), (3, 3)]
        # Half of the products come a cycle later, so that a register feeds half as many.
        late = [p.stage(lambda v: v, item, name=f"{item.name}_late") for item in q]
        product = {
            (a, b): p.parted_product((q, late)[k % 2][a], (q, late)[k % 2][b], name=f"qq_{a}{b}")
            for k, (a, b) in enumerate(pairs)
        }
        wx, wy, wz, xx, xy, xz, yy, yz, zz = (product[pair] for pair in pairs)
        entries = [
            (lambda a, b: one - (a + b), yy, zz), (lambda a, b: a - b, xy, wz), (lambda a, b: a + b, xz, wy),
            (lambda a, b: a + b, xy, wz), (lambda a, b: one - (a + b), xx, zz), (lambda a, b: a - b, yz, wx),
            (lambda a, b: a - b, xz, wy), (lambda a, b: a + b, yz, wx), (lambda a, b: one - (a + b), xx, yy),
        ]  # fmt: skip

        def joined(
            function: Callable[[Value, Value], Value], first: list[Staged], second: list[Staged], k: int
        ) -> Staged:
            """`function` of two products."""
            return p.stage(
                lambda *t: function(add_all(t[: len(first)]), add_all(t[len(first) :])),
                *first,
                *second,
                name=f"entry_{k}",
            )

        sums = [joined(*entry, k) for k, entry in enumerate(entries)]
        return [
            p.stage(lambda v: saturate(shift_round(v, fmt.fraction - 1, "half_up"), fmt), s, name=f"rotation_{k}")
            for k, s in enumerate(sums)
        ]
