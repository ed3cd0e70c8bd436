"""Child walk: every child of an entry is called once, in order."""

from __future__ import annotations

from hw.lod.child_walk import ChildWalk
from tests.hw.lib.bench import Bench


def test_children_are_called_in_order(seed: int) -> None:
    dut = ChildWalk()
    bench = Bench(dut, seed=seed)
    masks = [0, 1, 1 << 31, 0b1011, (1 << 32) - 1, 0, 6, *(bench.random.getrandbits(32) for _ in range(20))]
    entries = [{"first_child": 100 * k, "children": m, "expanded": k} for k, m in enumerate(masks)]
    calls = [{"subtree": 100 * k + bit, "entered": k} for k, m in enumerate(masks) for bit in range(32) if m >> bit & 1]
    bench.source(dut.i, entries, stall=0.2)
    bench.sink(dut.o, calls, stall=0.2)
    bench.run()
