"""The way around the depth sort: all frames in order, whatever the sort holds when one ends."""

from __future__ import annotations

from random import Random

import pytest
from amaranth.hdl import Elaboratable, Module, Signal
from amaranth.lib import wiring

from golden.splat.spec import TINY
from hw.lib.checker import check
from hw.lib.ports import streams_of
from hw.lib.stream import connect, transfer
from hw.splat.config import tiny
from hw.splat.depth_sort import DepthSort
from hw.splat.sort_bypass import SortBypass
from tests.hw.lib.bench import Bench
from tests.hw.splat.datapath import Payload, same
from tests.hw.splat.streams import survivor_payload

OWN, ORDERED, SORTS = "own", "ordered", "sorts"  # frames by their header
END = {"mark": {"some": 0, "begin": 0, "end": 1, "bound": 0}}


def survivors(rng: Random, number: int, count: int) -> list[Payload]:
    """A group of numbered splats of random keys, with marks of voxels alone between them, and its end."""
    group: list[Payload] = []
    for k in range(count):
        if rng.random() < 0.2:
            group.append({"mark": {"some": 0, "begin": 1, "end": 0, "bound": 0}})
        mark = {"some": 1, "begin": int(rng.random() < 0.2), "end": 0, "bound": 0}
        group.append(
            {
                "mark": mark,
                "depth": rng.randrange(1 << TINY.depth_bits),
                "rank": k,
                "touch": {"row": {"first": k % 4, "last": k % 3}},
                "splat": {"mean": [number, k]},
            }
        )
    return [*group, END]


def drawn(group: list[Payload], kind: str) -> list[Payload]:
    """What leaves of a group: as it came, or by depth; and its end."""
    splats = [payload for payload in group if payload["mark"]["some"]]
    if kind != ORDERED:
        splats.sort(key=lambda payload: payload["depth"])
    rows = [{"end": 0, **{name: splat[name] for name in ("touch", "splat")}} for splat in splats]
    return [*rows, {"end": 1}]


class Around(wiring.Component):
    """The bypass around a depth sort; its flags follow the payloads, each frame's from the end of the one before."""

    def __init__(self, frames: list[tuple[str, int]]) -> None:
        self.frames = frames
        self.bypass, self.sort = SortBypass(spec=TINY), DepthSort(config=tiny())
        ports = self.bypass.signature.members
        super().__init__({name: ports[name] for name in ("i", "o", "lists")})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.bypass, m.submodules.sort = bypass, sort = self.bypass, self.sort
        connect(m, self.i, bypass.i)
        connect(m, bypass.to_sort, sort.i)
        connect(m, sort.o, bypass.from_sort)
        connect(m, bypass.o, self.o)
        connect(m, bypass.lists, self.lists)
        for port in streams_of(bypass):
            check(m, port.interface, port.name)
        ended = Signal(16)  # groups
        m.d.sync += ended.eq(ended + (transfer(self.i) & self.i.payload.mark.end))
        until = 0
        for kind, groups in self.frames:
            begin, until = until, until + groups
            with m.If((ended >= begin) & (ended < until)):
                m.d.comb += [bypass.ordered.eq(int(kind == ORDERED)), bypass.sorts.eq(int(kind == SORTS))]
        return m


@pytest.mark.parametrize(("put", "get"), [(0, 0), (0.5, 0), (0, 0.7), (0.3, 0.4)])
def test_frames_of_both_kinds(put: float, get: float, seed: int) -> None:
    """Groups large, small and empty of frames in drawing order, of others and of such as are written, in any order."""
    rng = Random(f"{seed} {put} {get}")
    kinds = [OWN, ORDERED, ORDERED, OWN, SORTS, ORDERED, OWN, SORTS, SORTS, OWN, ORDERED]
    sizes = [[60, 0, 2], [1, 30], [0, 0, 20], [9] * 9, [14, 0, 3], [12, 3], [25], [0, 8], [7], [5], [3]]
    number = 0
    frames: list[tuple[str, list[list[Payload]]]] = []
    for kind, counts in zip(kinds, sizes, strict=True):
        frames.append((kind, [survivors(rng, number + k, count) for k, count in enumerate(counts)]))
        number += len(counts)
    bench = Bench(Around([(kind, len(groups)) for kind, groups in frames]), seed=seed)
    inputs = [survivor_payload(TINY, payload) for _, groups in frames for group in groups for payload in group]
    bench.source(bench.dut.i, inputs, stall=put)
    wanted = {
        "o": [row for kind, groups in frames if kind != SORTS for group in groups for row in drawn(group, kind)],
        "lists": [row for kind, groups in frames if kind == SORTS for group in groups for row in drawn(group, kind)],
    }
    logs = {name: bench.sink(getattr(bench.dut, name), len(rows), stall=get) for name, rows in wanted.items()}
    bench.run(drain=30)
    for name, rows in wanted.items():
        same(logs[name].values, rows)


def test_a_splat_a_cycle() -> None:
    """In drawing order nothing waits."""
    rng = Random(1)
    group = [payload for payload in survivors(rng, 0, 40) if payload["mark"]["some"]]
    bench = Bench(Around([(ORDERED, 1)]))
    bench.source(bench.dut.i, [survivor_payload(TINY, payload) for payload in [*group, END]])
    log = bench.sink(bench.dut.o, 41)
    bench.run()
    same(log.values, drawn([*group, END], ORDERED))
    assert log.cycles[-1] - log.cycles[0] == 40
