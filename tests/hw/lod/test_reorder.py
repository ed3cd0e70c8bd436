"""Reordering: nothing is lost, and the order is that of the tickets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hw.lod.config import tiny
from hw.lod.reorder import Reorder
from tests.hw.lib.bench import Bench

CONFIG = replace(tiny(), units=3)


def finished(ticket: int, **result: int) -> dict[str, Any]:
    values = {"cut": ticket * 7, "expanded": ticket, "children": 0, "least": 100 + ticket}
    return {
        "ticket": ticket % CONFIG.tickets, "subtree": ticket, "turn": ticket // 20 % 2, "entered": 3 * ticket,
        "first_child": 10 * ticket,
        "children_end": 10 * ticket + 2, "result": {**values, **result},
    }  # fmt: skip


@pytest.mark.parametrize("ordered", [1, 0])
@pytest.mark.parametrize(("stall_in", "stall_out"), [(0.0, 0.0), (0.5, 0.2), (0.1, 0.8)])
def test_reorder(ordered: int, stall_in: float, stall_out: float, seed: int) -> None:
    config = replace(CONFIG, ordered=ordered, temporal=0)
    dut = Reorder(config=config)
    bench = Bench(dut, seed=seed)
    # No more than there are tickets, each unit's in an order of its own.
    everything = [finished(k) for k in range(config.tickets)]
    shuffled = list(everything)
    bench.random.shuffle(shuffled)
    for unit in range(config.units):
        bench.source(dut.i[unit], shuffled[unit :: config.units], stall=stall_in)
    log = bench.sink(dut.o, everything if ordered else len(everything), stall=stall_out)
    bench.run()
    assert sorted(v["subtree"] for v in log.values) == list(range(config.tickets))
