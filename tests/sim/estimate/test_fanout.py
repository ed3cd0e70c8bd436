from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from sim.estimate.fanout import LIMIT, buffer_nets
from sim.estimate.technology import named


def flip_flop(source: int | str, sink: int, clock: int = 1) -> dict[str, Any]:
    return {"type": "DFF_X1", "parameters": {}, "connections": {"CK": [clock], "D": [source], "Q": [sink]}}


@pytest.mark.parametrize("count", [LIMIT, LIMIT + 1, 300])
def test_every_pin_is_reached_and_no_net_loads_too_many(count: int) -> None:
    """From bit 2 to all flip-flops, the one driver's net and every buffer's included; the clock stays one net."""
    cells = {f"f{k}": flip_flop(2, 10 + k) for k in range(count)} | {"driver": flip_flop(3, 2)}
    technology = named("embedded")
    buffer_nets(cells, {}, technology)
    loads = Counter(
        bits[0] for cell in cells.values() for pin, bits in cell["connections"].items() if pin in ("D", "A")
    )
    assert max(loads.values()) <= LIMIT
    source = {
        cell["connections"]["Y"][0]: cell["connections"]["A"][0]
        for cell in cells.values()
        if "Y" in cell["connections"]
    }
    for k in range(count):
        net = cells[f"f{k}"]["connections"]["D"][0]
        while net in source:
            net = source[net]
        assert net == 2
    assert all(cell["connections"]["CK"] == [1] for cell in cells.values() if "CK" in cell["connections"])
    assert (count > LIMIT) == bool(source)


def test_modules_below_and_memories_count_as_well() -> None:
    """Constants are no net, and outputs are no load."""
    box = {"ports": {"i": {"direction": "input", "bits": [2]}, "o": {"direction": "output", "bits": [3]}}}
    cells: dict[str, Any] = {
        f"b{k}": {"type": "box", "parameters": {}, "connections": {"i": [5], "o": [10 + k]}} for k in range(LIMIT)
    }
    cells["ram"] = {"type": "$mem_v2", "parameters": {}, "connections": {"WR_EN": [5, 5], "RD_DATA": [50, 51]}}
    cells["constant"] = flip_flop("1", 60)
    buffer_nets(cells, {"box": box}, named("embedded"))
    assert sum(cell["type"].startswith("BUF") for cell in cells.values()) == 2
    assert cells["ram"]["connections"]["RD_DATA"] == [50, 51]
    assert len(set(cells["ram"]["connections"]["WR_EN"])) == 1  # one enable stays one
