"""How far the camera may move before a decision changes."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Value, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.lod.spec import DOUBLE_BITS, GUARD_SHIFT, SLACK_BITS
from hw.lib.fixed import resize
from hw.lib.pipe import Pipe, Staged
from hw.lod.config import Config
from hw.lod.layouts import CommitLayout, SlackLayout


class Slack(wiring.Component):
    """A lower bound of |d - D|, D the distance at which the node would just have the threshold's size.

    (|d² - D²| - d² / 2**13) / (2 · max(d, D)), the root's reciprocal by table from below; equals
    `golden.lod.size_check.slack`. Latency 8 cycles, throughput one node a cycle.
    """

    latency = 8

    def __init__(self, *, config: Config) -> None:
        self.config = config
        output = data.StructLayout({"commit": CommitLayout(config), "slack": SLACK_BITS})
        super().__init__(
            {
                "i": In(SlackLayout(config)),  #: both sides of a comparison
                "o": Out(output),  #: the slack in cells, and `i.commit`, `latency` cycles later
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = Pipe(m, platform)
        left, right = p.source(self.i.left, "left"), p.source(self.i.right, "right")
        zeros, commit = p.source(self.i.zeros, "zeros"), p.source(self.i.commit, "commit")
        bits = unsigned(DOUBLE_BITS)
        larger = p.stage(lambda c, a, b: Mux(c.big, a, b), commit, left, right, name="larger")
        gap = p.stage(lambda c, a, b: resize(Mux(c.big, a - b, b - a), bits), commit, left, right, name="gap")

        def guarded(g: Value, r: Value) -> Value:
            rest = g - (r >> GUARD_SHIFT)
            return Mux(rest[-1], 0, resize(rest, bits))

        gap = p.stage(guarded, gap, right, name="guarded")

        def count(v: Value) -> Value:
            top = [v[DOUBLE_BITS - 2 * k - 2 : DOUBLE_BITS - 2 * k].any() for k in range(3)]
            return Mux(top[0], 0, Mux(top[1], 1, Mux(top[2], 2, 3)))

        pairs = p.stage(count, larger, name="pairs")

        def up(v: Value, n: Value) -> Value:
            return (v << (n[:2] << 1)[:3])[:DOUBLE_BITS]

        index = p.stage(lambda v, n: up(v, n)[DOUBLE_BITS - 8 :], larger, pairs, name="index")
        part = p.stage(lambda v, n: up(v, n)[DOUBLE_BITS - 17 :], gap, pairs, name="part")
        root = p.step_table(self.config.spec.slack_rsqrt, index, name="root")
        product = p.stage(lambda a, b: (a * b).shift_left(2), part, root, name="product")
        product = Staged(product.value[:SLACK_BITS], product.stage, "product")
        amount = p.stage(lambda z, n: z + n, zeros, pairs, name="amount")
        slack = p.shift_right(product, amount, name="slack")
        p.finish(self.o, self.latency, slack=slack, commit=commit)
        return m
