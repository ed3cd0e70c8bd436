"""Sequencer and walker against the schedules of golden/cluster/turns.py."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from golden.cluster.command import Command
from golden.cluster.sides import SIDES, side_of, walk
from golden.cluster.spec import COMPUTE, INDEPENDENT, MOVES, SCHEDULES, ElementType, Op, Spec
from golden.cluster.turns import turns
from hw.cluster.config import Config
from hw.cluster.layouts import ItemLayout, WalkLayout, command_layout
from hw.cluster.sequencer import Sequencer
from hw.cluster.walker import Walker
from tests.hw.lib.bench import Bench


class OneSide(wiring.Component):
    """A sequencer with one of its three views as a stream."""

    def __init__(self, config: Config, rank: int, side: str) -> None:
        self.config, self.rank, self.side = config, rank, side
        super().__init__(
            {"i": In(stream.Signature(command_layout())), "o": Out(stream.Signature(WalkLayout(config.spec)))}
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.sequencer = sequencer = Sequencer(config=self.config)
        m.d.comb += [
            sequencer.rank.eq(self.rank),
            sequencer.i.payload.eq(self.i.payload),
            sequencer.i.valid.eq(self.i.valid),
            self.i.ready.eq(sequencer.i.ready),
            self.o.payload.eq(getattr(sequencer, self.side)),
            self.o.valid.eq(sequencer.valid),
            sequencer.ready.eq(self.o.ready),
        ]
        return m


def fields(command: Command) -> dict[str, int]:
    return {name: int(getattr(command, name, 0)) for name in command_layout().members}


def commands(spec: Spec) -> list[Command]:
    """Every operation and schedule, with and without the flags that matter to turns."""
    return [
        Command(
            op=op, schedule=schedule, format=form, flits=3 * spec.nodes, source=5, target=300, root=spec.nodes - 1,
            record=2, flags=flags,
        )
        for op in Op
        for schedule in SCHEDULES[op]
        for form, flags in ((ElementType.SINGLE, 0), (ElementType.MIXED, INDEPENDENT))
        if op not in MOVES and op not in COMPUTE
    ]  # fmt: skip


#: Fields that an inactive or non-reducing side may leave as they are.
FREE = {"operand": {"rank", "base", "peer", "widen", "link"}}


@pytest.mark.parametrize(("nodes", "side"), [*product((2, 4), SIDES), *((16, side) for side in SIDES)])
def test_sequencer(nodes: int, side: str, seed: int) -> None:
    spec = Spec(nodes=nodes, link_width=64, memory_kib=16)
    for rank in {0, 1, nodes - 1}:
        wanted: list[dict[str, Any]] = []
        for command in commands(spec):
            wanted += [side_of(turn, side, command) for turn in turns(command, rank, spec)]
        bench = Bench(OneSide(Config(spec=spec), rank, side), seed=seed)
        bench.source(bench.dut.i, [fields(c) for c in commands(spec)], stall=0.2)
        log = bench.sink(bench.dut.o, len(wanted), stall=0.3)
        bench.run()
        for got, want in zip(log.values, wanted, strict=True):
            free = FREE.get(side, set()) if not want["active"] else set()
            free = free | {"base"} if want["discard"] else free  # a barrier's flit may come from anywhere
            assert {k: v for k, v in got.items() if k not in free} == {k: v for k, v in want.items() if k not in free}


@pytest.mark.parametrize("stall", [0.0, 0.4])
def test_walker(stall: float, rng) -> None:
    """Addresses, order, what has to be written, and records; back to back without stalls."""
    spec = Spec(nodes=8, link_width=64, memory_kib=64)
    sides, wanted = [], []
    for turn in range(40):
        segments = rng.choice([1, 1, 2, 4])
        flits = rng.randint(1, 6)
        side = {name: rng.getrandbits(1) for name in ("xor", "stream", "wait", "widen", "discard", "reduce")}
        side |= {"active": int(rng.random() < 0.8), "link": rng.randint(0, 4), "peer": rng.randint(0, 7)}
        side |= {"rank": rng.randint(0, 7), "base": rng.randint(0, 1000), "segments": segments, "flits": flits}
        side |= {"offset": segments // 2 * flits, "record": rng.randint(1, 3), "format": 1, "kind": 2}
        sides.append(side)
        wanted += walk(side, spec, turn % 64)
    bench = Bench(Walker(config=Config(spec=spec)), seed=rng.getrandbits(20))
    bench.source(bench.dut.i, sides, stall=stall)
    log = bench.sink(bench.dut.o, len(wanted), stall=stall)
    bench.run()
    for got, want in zip(log.values, wanted, strict=True):
        flat = {**got, "header": got["operation"]["header"]}
        assert {name: flat[name] for name in want} == want
    if not stall:
        assert log.cycles[-1] - log.cycles[0] == len(wanted) - 1
    assert set(log.values[0]) == set(ItemLayout(spec).members)
