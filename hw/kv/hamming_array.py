"""W Hamming distances a cycle, and the smallest of them."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Elaboratable, Module, Mux, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.lib.pipe import Pipe, Staged
from hw.lib.tree import add_all, balanced

BRANCHES = 4  # distances that are compared in one cycle


class HammingArray(wiring.Component):
    """o = the nearest of a row's hashes: XOR, popcount, tree of minima.

    Lanes that are not valid count as `bits` + 1 away. Ties go to the lowest lane. Latency 3 cycles
    up to 16 lanes, 4 up to 64; throughput one row a cycle.
    """

    def __init__(self, *, bits: int, lanes: int) -> None:
        self.bits, self.lanes = bits, lanes
        self.levels = -(-(lanes - 1).bit_length() // (BRANCHES.bit_length() - 1))
        self.latency = 1 + self.levels
        super().__init__(
            {
                #: a token's hash, a row of the table, and which of its lanes hold a cluster
                "i": In(data.StructLayout({"hash": bits, "row": data.ArrayLayout(bits, lanes), "valid": lanes})),
                #: the nearest lane and its distance, `latency` cycles later
                "o": Out(data.StructLayout({"distance": range(bits + 2), "lane": range(lanes)})),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = Pipe(m, platform)
        key = p.source(self.i.hash, "hash")
        width = len(self.o.distance)
        level: list[Staged] = []
        for k in range(self.lanes):
            lane = p.source(Cat(self.i.row[k], self.i.valid[k]), f"lane_{k}")

            def distance(h: Value, v: Value) -> Value:
                return Mux(v[-1], add_all(list(h ^ v[:-1])), self.bits + 1)[:width]

            level.append(p.stage(distance, key, lane, name=f"distance_{k}"))
        # A candidate is its lane above its distance; comparing distances alone keeps the lower lane.
        level = [
            Staged(Cat(item.value, Const(k, len(self.o.lane))), item.stage, item.name) for k, item in enumerate(level)
        ]
        for depth in range(self.levels):
            level = [
                p.stage(
                    lambda *c: balanced(lambda a, b: Mux(b[:width] < a[:width], b, a), c),
                    *level[k : k + BRANCHES],
                    name=f"least_{depth}_{k}",
                )
                for k in range(0, len(level), BRANCHES)
            ]
        nearest = level[0]
        p.finish(
            self.o,
            self.latency,
            distance=Staged(nearest.value[:width], nearest.stage, "distance"),
            lane=Staged(nearest.value[width:], nearest.stage, "lane"),
        )
        return m
