"""Retire: three takers get what they need of every subtree, and a deadline beyond the odometer's end is never."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from golden.lod.model import deadline
from golden.lod.spec import NEVER, SLACK_BITS
from hw.lod.config import tiny
from hw.lod.retire import Retire
from tests.hw.lib.bench import Bench

COUNT = 60


def finished(bench: Bench, travelled: list[int]) -> dict[str, Any]:
    """A subtree that calls children or none, its least slack anything up to the odometer's end or no slack at all."""
    rng = bench.random
    turn = rng.randrange(2)
    to_end = NEVER - travelled[turn]
    least = rng.choice([rng.randrange(1 << SLACK_BITS), 1 << SLACK_BITS, to_end - 1, to_end, to_end + 1, to_end + 2])
    return {
        "ticket": rng.randrange(8), "subtree": rng.getrandbits(20), "turn": turn, "entered": rng.getrandbits(32),
        "first_child": rng.getrandbits(20), "children_end": rng.getrandbits(20),
        "result": {
            "cut": rng.getrandbits(32), "expanded": rng.getrandbits(32),
            "children": rng.getrandbits(32) * rng.randrange(2), "least": least,
        },
    }  # fmt: skip


@pytest.mark.parametrize("keep", [0, 1])
@pytest.mark.parametrize("stall", [0.0, 0.5])
def test_every_taker_gets_its_part(keep: int, stall: float, seed: int) -> None:
    dut = Retire(config=tiny())
    bench = Bench(dut, seed=seed)
    travelled = [NEVER - bench.random.randrange(1 << 20), NEVER - (1 << SLACK_BITS) - 5]
    subtrees = [finished(bench, travelled) for _ in range(COUNT)]

    async def hold(ctx: Any) -> None:
        ctx.set(dut.keep, keep)
        ctx.set(dut.travelled, travelled)

    bench.process(hold)
    bench.source(dut.i, subtrees, stall=stall)
    parts = [s["result"] for s in subtrees]
    calls = [
        {"first_child": s["first_child"], "children": r["children"], "expanded": r["expanded"]}
        for s, r in zip(subtrees, parts, strict=True)
        if r["children"]
    ]
    results = [{"subtree": s["subtree"], "cut": r["cut"]} for s, r in zip(subtrees, parts, strict=True)]
    states = [
        {
            "deadline": int(deadline(travelled[s["turn"]], torch.tensor(r["least"]))),
            "entered": s["entered"], "cut": r["cut"], "expanded": r["expanded"],
        }
        for s, r in zip(subtrees, parts, strict=True)
    ]  # fmt: skip
    bench.sink(dut.calls, calls, stall=stall)
    bench.sink(dut.results, results, stall=stall)
    bench.sink(dut.states, states if keep else [], stall=stall)
    bench.run()
