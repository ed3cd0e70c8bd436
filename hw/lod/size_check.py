"""The decision of an LT unit: does a node's size reach the threshold?"""

from __future__ import annotations

from amaranth.hdl import Const, Elaboratable, Module, Mux, Shape, Value, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.lod.memory_map import MASK_BITS
from golden.lod.spec import BOX_BITS, DISTANCE_BITS, DOUBLE_BITS, HIGHEST, LOWEST, MANTISSA
from hw.lib.fixed import clip, resize
from hw.lib.leading_zeros import trailing_zeros
from hw.lib.pipe import Pipe, Staged
from hw.lod.config import Config
from hw.lod.frustum_check import FrustumCheck
from hw.lod.layouts import PLACE_BITS, CandidateLayout, DecisionLayout, ThresholdLayout, planes_layout


class SizeCheck(wiring.Component):
    """size² · (focal/tau)² >= d², d the distance from the camera to the node's box; no division, no root.

    Equals `golden.lod.size_check.size_check`. Latency 11 cycles, throughput one node a cycle.
    """

    latency = 11

    def __init__(self, *, config: Config) -> None:
        self.config = config
        super().__init__(
            {
                #: thresholds by turn, each constant while its nodes are here
                "view": In(data.ArrayLayout(ThresholdLayout(), 2)),
                "planes": In(planes_layout()),  #: sides of the frustum, constant while nodes are under way
                "i": In(CandidateLayout(config)),  #: a node every cycle; who reads `o` knows which are meant
                "o": Out(DecisionLayout(config)),  #: its decision, `latency` cycles later
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = Pipe(m, platform)
        node, header = p.source(self.i.node, "node"), p.source(self.i.header, "header")
        boxes = [self._box(p, node, header, k) for k in range(3)]
        axes = [self._distance(p, k, *box) for k, box in enumerate(boxes)]
        longest = p.stage(lambda a, b, c: a | b | c, *axes, name="longest")
        zeros = p.leading_zeros(longest, DISTANCE_BITS, name="zeros")
        zeros = Staged(zeros.value[: (DISTANCE_BITS - 1).bit_length()], zeros.stage, "zeros")
        squares: list[Staged] = []
        for k, axis in enumerate(axes):
            shifted = p.shift_left(axis, zeros, DISTANCE_BITS, name=f"near_{k}")
            near = Staged(shifted.value[DISTANCE_BITS - MANTISSA :], shifted.stage, f"near_{k}")
            squares.append(p.stage(lambda v: v * v, near, name=f"square_{k}"))
        right = p.stage(lambda a, b, c: resize((a + b + c) << -LOWEST, unsigned(DOUBLE_BITS)), *squares, name="right")
        left = self._left(p, node, header, zeros)
        big = p.stage(lambda a, b: a >= b, left, right, name="big")
        p.finish(
            self.o,
            self.latency,
            big=big,
            left=left,
            right=right,
            zeros=zeros,
            outside=self._outside(m, p, boxes),
            **self._meaning(p, node),
        )
        return m

    def _box(self, p: Pipe, node: Staged, header: Staged, k: int) -> tuple[Staged, Staged, Staged]:
        """Lower and upper side of the box and the camera along axis `k`, in cells; available in cycle 2."""
        axis = "xyz"[k]
        places = [self.view[turn].camera[k] for turn in range(2)]

        def relative(h: Value, turn: Value) -> Value:
            return Mux(turn, places[1], places[0]).as_signed() - h[f"origin_{axis}"]

        camera = p.stage(relative, header, p.source(self.i.turn, "turn"), name=f"camera_{axis}")
        exponent = Staged(self.i.header[f"exponent_{axis}"], 0, f"exponent_{axis}")
        sides: list[Staged] = []
        for side in ("low", "high"):
            code = Staged(self.i.node[f"{side}_{axis}"], 0, f"{side}_{axis}")
            sides.append(p.shift_left(code, exponent, BOX_BITS, name=f"{side}_cells_{axis}"))
        return sides[0], sides[1], camera

    def _distance(self, p: Pipe, k: int, low: Staged, high: Staged, camera: Staged) -> Staged:
        """From the camera to the box along axis `k`, in cells; available in cycle 4."""
        axis = "xyz"[k]
        below = p.stage(lambda box, c: box - c, low, camera, name=f"below_{axis}")
        above = p.stage(lambda c, box: c - box, camera, high, name=f"above_{axis}")

        def outside(b: Value, a: Value) -> Value:
            return resize(Mux(b[-1], Mux(a[-1], 0, a), b), unsigned(DISTANCE_BITS))

        return p.stage(outside, below, above, name=f"distance_{axis}")

    def _outside(self, m: Module, p: Pipe, boxes: list[tuple[Staged, Staged, Staged]]) -> Staged:
        """The frustum check, beside the size check; never true without the hardware for it."""
        if not self.config.frustum:
            return p.constant(Const(0, 1), "outside")
        m.submodules.frustum = frustum = FrustumCheck()
        begin = max(part.stage for part in boxes[0])
        for k, (low, high, camera) in enumerate(boxes):
            place = p.at(camera, begin)
            m.d.comb += [
                frustum.i.low[k].eq(p.at(low, begin) - place),
                frustum.i.high[k].eq(p.at(high, begin) - place),
            ]
        m.d.comb += frustum.planes.eq(self.planes)
        return p.source(frustum.o.outside, "outside", begin + FrustumCheck.latency)

    def _left(self, p: Pipe, node: Staged, header: Staged, zeros: Staged) -> Staged:
        """size² · factor at the scale of the normalised d²; available in cycle 9."""
        spec = self.config.spec
        side = Staged(self.i.node.mantissa | 1 << spec.size_bits, 0, "side")
        side = p.stage(lambda v: v, side, name="side_in")
        square = p.stage(lambda v: v * v, side, name="side_square")
        square = p.stage(lambda v: v, square, name="side_square_in")
        turn = p.source(self.i.turn, "turn")
        factor = p.stage(lambda t: Mux(t, self.view[1].factor, self.view[0].factor), turn, name="factor")
        product = p.stage(lambda v, f: v * f, square, factor, name="product")
        exponent = p.stage(lambda n, h: n.size_exponent + h.size_exponent, node, header, name="size_exponent")
        doubled = p.stage(lambda e, z: (e + z).shift_left(1), exponent, zeros, name="exponent")

        def scaled(e: Value, t: Value) -> Value:
            return e + Mux(t, self.view[1].exponent, self.view[0].exponent)

        total = p.stage(scaled, doubled, turn, name="total")

        def places(e: Value) -> Value:
            return resize(clip(e, LOWEST, HIGHEST) - LOWEST, unsigned(3))

        shift = p.stage(places, total, name="shift")
        up = spec.product_up
        return p.stage(lambda v, s: resize(v.shift_left(up) << s, unsigned(DOUBLE_BITS)), product, shift, name="left")

    def _meaning(self, p: Pipe, node: Staged) -> dict[str, Staged]:
        """What does not depend on the threshold."""
        entered, before = p.source(self.i.entered, "entered"), p.source(self.i.before, "before")
        index, todo = p.source(self.i.index, "index"), p.source(self.i.todo, "todo")
        # Descendants of a node that is not expanded are skipped, except those that were expanded before.
        behind = p.stage(lambda i: ~((2 << i) - 1)[:MASK_BITS], index, name="behind")
        target = p.stage(
            lambda i, n: resize(i + 1 + Mux(n.frontier, 0, n.link), Shape(PLACE_BITS)), index, node, name="target"
        )
        outside = p.stage(lambda t: ~((1 << t) - 1)[:MASK_BITS], target, name="outside")
        inside = p.stage(lambda t, k: t & k, todo, behind, name="inside")
        rest = p.stage(lambda t, o, b, k: (t & o) | (b & k), todo, outside, before, behind, name="rest")
        return {
            "context": p.source(self.i.context, "context"),
            "index": index,
            "target": target,
            "after": p.stage(trailing_zeros, inside, name="after"),
            "past": p.stage(trailing_zeros, rest, name="past"),
            "inner": p.stage(lambda n: (n.mantissa != 0) | (n.size_exponent != 0), node, name="inner"),
            "shut": p.stage(lambda n, e: ~e.bit_select(n.entry, 1), node, entered, name="shut"),
            "was": p.stage(lambda b, i: b.bit_select(i, 1), before, index, name="was"),
            "frontier": p.stage(lambda n: n.frontier, node, name="frontier"),
            "link": p.stage(lambda n: n.link, node, name="link"),
            "turn": p.source(self.i.turn, "turn"),
        }
