"""Where survivors enter the depth sort: places and banks, one by one and in pairs, whatever the banks are doing."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from golden.splat.spec import TINY
from hw.lib.payloads import SplatLayout, TouchLayout
from hw.lib.stream import width_of
from hw.splat.config import Config, default, tiny
from hw.splat.sort_entry import SortEntry
from tests.hw.lib.bench import Bench
from tests.hw.splat.datapath import Payload
from tests.hw.splat.streams import joined, survivor_payload


def config_of(banks: int, inputs: int) -> Config:
    config = replace(tiny(), spec=replace(TINY, sort_levels=4, sort_banks=banks))
    return replace(config, memory_width=512, coarse_lanes=2, fine_units=2) if inputs > 1 else config


class Banks:
    """Stand-ins for the heaps: any of them may be busy, full or losing its root in a cycle."""

    def __init__(self, dut: Any, rng: Random, *, crowded: float) -> None:
        self.dut, self.rng, self.crowded = dut, rng, crowded
        self.count = dut.config.spec.sort_banks
        self.used: dict[int, set[int]] = {half: set() for half in range(dut.ways)}  # places of each half
        self.entered: list[tuple[int, int, int]] = []  # rank, bank, bits that are kept
        self.wanted = self.pairs = 0

    async def run(self, ctx: Any) -> None:
        rng, dut, every = self.rng, self.dut, range(self.count)
        while True:
            full = [rng.random() < self.crowded for _ in every]
            busy = [rng.random() < 0.4 for _ in every]
            pop = [not b and rng.random() < 0.3 for b in busy]
            flags = {
                "full": full, "free": [not b and not f for b, f in zip(busy, full, strict=True)], "pop": pop,
                "ready": [not b and (p or not f) for b, p, f in zip(busy, pop, full, strict=True)],
            }  # fmt: skip
            for name, bits in flags.items():
                ctx.set(getattr(dut, name), sum(int(bit) << k for k, bit in enumerate(bits)))
            self._give_back(ctx)
            ports = (dut.enter, dut.taken, dut.wanted, dut.i.valid, dut.i.payload.mark.some, dut.item, dut.kept)
            _, _, enter, taken, wanted, valid, some, item, kept = await ctx.tick().sample(*ports)
            assert wanted == (valid and some and all(full))
            self.wanted += wanted
            banks = [k for k in every if enter >> k & flags["ready"][k]]
            assert taken == len(banks)
            self._look(banks, item, kept)

    def _give_back(self, ctx: Any) -> None:
        for half, used in self.used.items():
            back = bool(used) and self.rng.random() < 0.5
            ctx.set(self.dut.back[half].valid, back)
            if back:
                place = self.rng.choice(sorted(used))
                used.remove(place)
                ctx.set(self.dut.back[half].slot, place)

    def _look(self, banks: list[int], item: Any, kept: Any) -> None:
        """What has entered in a cycle."""
        ways = self.dut.ways
        assert len({k % ways for k in banks}) == len(banks), "two into one half"
        self.pairs += len(banks) == 2
        for bank in sorted(banks, key=lambda k: item[k].rank):
            half, place = bank % ways, kept[bank % ways].slot
            assert kept[half].enable
            assert item[bank].slot == place + half * (self.dut.slots // ways)
            assert place not in self.used[half], "a place twice"
            self.used[half].add(place)
            self.entered.append((item[bank].rank, bank, kept[half].data))


@pytest.mark.parametrize(("banks", "inputs"), [(1, 1), (4, 1), (2, 2), (4, 2)])
@pytest.mark.parametrize("crowded", [0.0, 0.6])
def test_everything_enters_once_and_in_order(banks: int, inputs: int, crowded: float, seed: int) -> None:
    """Each survivor, in order of arrival, with what is kept of it, in a place that nobody holds."""
    rng = Random(f"{seed} {banks} {inputs} {crowded}")
    config = config_of(banks, inputs)
    dut = SortEntry(config=config)
    bench = Bench(dut, seed=seed)
    stand_ins = Banks(dut, rng, crowded=crowded)
    bench.process(stand_ins.run)
    mark = {"some": 1, "begin": 0, "end": 0}
    given: list[Payload] = [
        {"mark": mark, "depth": rng.randrange(1 << 12), "rank": n, "splat": {"opacity": rng.randrange(64)}}
        for n in range(300)
    ]
    arriving = joined(given, lambda: rng.random() < 0.7) if inputs > 1 else given
    bench.source(dut.i, [survivor_payload(config.spec, p, inputs) for p in arriving], stall=0.1)
    bench.run(drain=20)
    assert [rank for rank, *_ in stand_ins.entered] == [*range(300)]
    assert {bank for _, bank, _ in stand_ins.entered} == {*range(banks)}
    above = width_of(TouchLayout(config.spec)) + width_of(SplatLayout(config.spec))
    opacity = width_of(TouchLayout(config.spec)) + SplatLayout(config.spec)["opacity"].offset
    for (rank, _, kept), payload in zip(stand_ins.entered, given, strict=True):
        assert kept >> above == rank
        assert kept >> opacity & 63 == payload["splat"]["opacity"]
    assert (stand_ins.wanted > 0) == (crowded > 0)
    assert (stand_ins.pairs > 5) == (inputs > 1)


def test_pairs_go_two_a_cycle() -> None:
    """With banks that take something in every cycle, nothing waits; alone, survivors go to the halves in turn."""
    config = config_of(4, 2)
    dut: Any = SortEntry(config=config)
    bench = Bench(dut)
    entered: list[int] = []

    async def run(ctx: Any) -> None:
        ctx.set(dut.free, 0b1111)
        ctx.set(dut.ready, 0b1111)
        while True:
            _, _, enter = await ctx.tick().sample(dut.enter)
            entered.extend([enter] if enter else [])

    bench.process(run)
    mark = {"some": 1, "begin": 0, "end": 0}
    pairs = [{"mark": mark, "rank": n, "partner": {"there": 1, "rank": n + 1}} for n in range(0, 8, 2)]
    alone = [{"mark": mark, "rank": n} for n in range(8, 12)]
    source = bench.source(dut.i, [survivor_payload(config.spec, p, 2) for p in [*pairs, *alone]])
    bench.run(drain=5)
    assert source.cycles[-1] - source.cycles[0] == 7
    assert entered == [0b0011, 0b1100, 0b0011, 0b1100, 0b0001, 0b0010, 0b0100, 0b1000]


def test_pairs_enter_where_nothing_goes_past_the_sort() -> None:
    """As many survivors a cycle as there are fine units and banks; one, where marks and entries go past."""
    assert (default().sort_inputs, replace(default(), shared_sort=1).sort_inputs) == (2, 1)
    assert (tiny().sort_inputs, config_of(1, 1).sort_inputs, config_of(4, 2).sort_inputs) == (1, 1, 2)
