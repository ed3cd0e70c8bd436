"""The Gaussian's own axes in camera space, from two quaternions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amaranth.hdl import Const, Elaboratable, Module, Mux, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.splat.spec import Spec
from hw.lib.fixed import resize, saturate, shape_of, shift_round
from hw.lib.paced import in_turn, paced_pipe, turn_port, turns
from hw.lib.pipe import Pipe, Staged
from hw.lib.tree import add_all
from hw.splat.row_layouts import header_layout

#: Row r of the product takes camera[k] · q[k ^ r] with these signs.
SIGNS = ((1, -1, -1, -1), (1, 1, 1, -1), (1, -1, 1, 1), (1, 1, -1, 1))
#: Half of an entry of the matrix: one less the first product, or the first, and the second added or subtracted.
ENTRIES = (
    (True, "yy", -1, "zz"), (False, "xy", -1, "wz"), (False, "xz", 1, "wy"),
    (False, "xy", 1, "wz"), (True, "xx", -1, "zz"), (False, "yz", -1, "wx"),
    (False, "xz", -1, "wy"), (False, "yz", 1, "wx"), (True, "xx", -1, "yy"),
)  # fmt: skip


class ViewRotation(wiring.Component):
    """o = matrix of q_camera · q, row by row; `golden.splat.view_rotation`.

    Latency 7 cycles, one a cycle; 16 + 9 multipliers. Once in 8 cycles: 18 cycles, 4 + 4 multipliers, for rows and
    entries come in turn.
    """

    def __init__(self, *, spec: Spec, interval: int = 1) -> None:
        self.spec, self.interval = spec, interval
        self.latency = 6 + turns(len(SIGNS), interval) + turns(len(ENTRIES), interval) if interval > 1 else 7
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
        down = self.spec.quaternion_format.fraction

        def row(*operands: Any, signs: tuple[int, ...] = (1, 1, 1, 1)) -> Staged:
            *items, name = operands
            terms = [
                p.stage(lambda v, c=c: v * c, item, name=f"term_{name}{k}")
                for k, (item, c) in enumerate(zip(items, camera, strict=True))
            ]
            total = p.stage(
                lambda *t: sum(v if sign > 0 else -v for v, sign in zip(t, signs, strict=True)),
                *terms,
                name=f"total_{name}",
            )
            return p.stage(lambda v: saturate(shift_round(v, down, "half_up"), fmt), total, name=f"q_{name}")

        if self.interval == 1:
            return [row(*(q[k ^ r] for k in range(4)), str(r), signs=signs) for r, signs in enumerate(SIGNS)]
        # With turns, the signs are the operands'.
        width = signed(self.spec.quaternion_bits + 1)
        either = {
            sign: [Staged(resize(v.value if sign > 0 else -v.value, width), v.stage, v.name) for v in q]
            for sign in (1, -1)
        }
        sets = [[either[sign][k ^ r] for k, sign in enumerate(signs)] for r, signs in enumerate(SIGNS)]
        return in_turn(p, row, sets, "0123")

    def _matrix(self, p: Pipe, q: list[Staged]) -> list[Staged]:
        """The nine entries: 4 cycles."""
        fmt = self.spec.rotation_format
        one = 1 << (2 * fmt.fraction - 1)
        if self.interval > 1:
            return self._entries_in_turn(p, q, one)
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

    def _entries_in_turn(self, p: Pipe, q: list[Staged], one: int) -> list[Staged]:
        """The same: `one`, or nothing, and two products, each added or subtracted."""
        fmt = self.spec.rotation_format

        def flag(value: bool, name: str) -> Staged:
            return p.constant(Const(value, 1), name)

        def entry(*operands: Any) -> Staged:
            a, b, c, d, whole, first, second, name = operands
            products = [p.stage(lambda u, v: u * v, *pair, name=f"qq_{name}") for pair in ((a, b), (c, d))]
            total = p.stage(
                lambda x, y, w, s, t: add_all([Mux(w, one, 0), Mux(s, -x, x), Mux(t, -y, y)]),
                *products, whole, first, second, name=f"entry_{name}",
            )  # fmt: skip
            return p.stage(
                lambda v: saturate(shift_round(v, fmt.fraction - 1, "half_up"), fmt), total, name=f"rotation_{name}"
            )

        sets = [
            [*(q["wxyz".index(c)] for c in first + second), flag(whole, "one"), flag(whole, "first"),
             flag(sign < 0, "second")]
            for whole, first, sign, second in ENTRIES
        ]  # fmt: skip
        return in_turn(p, entry, sets, [str(k) for k in range(len(ENTRIES))])
