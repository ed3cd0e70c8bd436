"""The two parts of a merge: its factors and its lanes."""

from __future__ import annotations

import random
from itertools import product
from typing import Any

import torch

from golden import floats
from golden.cluster.combine import merge_factors, merge_words
from golden.cluster.compute import turn
from golden.cluster.spec import Spec
from golden.float_format import SINGLE
from hw.cluster.merge_lane import MergeLane
from hw.cluster.merge_lanes import MergeLanes
from hw.cluster.merge_scale import MergeScale
from hw.cluster.serial_lanes import SerialLanes, latency
from hw.lib.fields import pack, unpack_nested
from tests.hw.cluster.cycles import play
from tests.hw.cluster.numbers import joined, parted, single
from tests.hw.lib.simulate import run_datapath

SPECIAL = [0, SINGLE.sign, SINGLE.one, SINGLE.infinity, SINGLE.negative_infinity, SINGLE.nan, 0x80000001]


def test_merge_scale(rng: random.Random) -> None:
    """Every pair of special maxima, and ordinary ones of which some are equal."""
    pairs = [*product(SPECIAL, SPECIAL), *((single(rng), single(rng)) for _ in range(200))]
    pairs += [(m, m) for m in (single(rng) for _ in range(10))]
    rng.shuffle(pairs)
    dut = MergeScale()
    got = run_datapath(dut, [pack(dut.i.shape(), {"m1": a, "m2": b}) for a, b in pairs])
    expected = zip(*(part.tolist() for part in merge_factors(*torch.tensor(pairs).unbind(1))), strict=True)
    for pair, bits, (top, a, b) in zip(pairs, got, expected, strict=True):
        assert unpack_nested(bits, dut.o.shape()) == {"top": top, "a": a, "b": b}, pair


def test_merge_lane(rng: random.Random) -> None:
    names = ("own", "received", "a", "b")
    cases = [[single(rng) if rng.random() < 0.9 else rng.choice(SPECIAL) for _ in names] for _ in range(300)]
    dut = MergeLane()
    rows = [pack(dut.i.shape(), dict(zip(names, case, strict=True))) for case in cases]
    got = run_datapath(dut, rows, held={"products": 1})
    assert got == merge_words(*torch.tensor(cases).unbind(1)).tolist()


def test_merge_lanes(rng: random.Random) -> None:
    """Merges, sums and turns one after the other, a sum as close behind the others as its result may be."""
    spec = Spec(nodes=2, link_width=128, memory_kib=4, inputs=256)
    dut = MergeLanes(spec=spec)
    cycles: list[dict[str, Any]] = []
    expected: dict[int, list[int]] = {}

    def flit() -> list[int]:
        return [single(rng) for _ in range(spec.lanes)]

    for kind in rng.choices(["merge", "sum", "turn"], k=150):
        one, other, a, b = flit(), flit(), flit(), flit()
        words = {name: joined(flit, 32) for name, flit in {"one": one, "other": other}.items()}
        if kind == "sum":
            cycles.append({"add": {"own": words["one"], "received": words["other"]}})
            expected[len(cycles) - 1 + MergeLane.add_latency] = floats.add(*torch.tensor([one, other]), SINGLE).tolist()
            continue
        if kind == "merge":
            factors = {"a": a[0], "b": b[0]}
            cycles.append({"merges": 1, "merge": {"own": words["one"], "received": words["other"], **factors}})
            result = merge_words(*torch.tensor([one, other, [a[0]] * spec.lanes, [b[0]] * spec.lanes]))
        else:
            cycles.append({"turns": 1, "turn": {"vector": words["one"], "own": joined(a, 32), "other": joined(b, 32)}})
            result = turn(*torch.tensor([one, a, b]))
        expected[len(cycles) - 1 + MergeLane.latency] = result.tolist()
        cycles += [{}] * rng.randint(MergeLane.product_latency, MergeLane.product_latency + 2)
    got = play(dut, [*cycles, *[{}] * (MergeLane.latency + 1)], ["o"])
    for cycle, words in expected.items():
        assert parted(got[cycle]["o"], 32, spec.lanes) == words, cycle


def test_serial_lanes(rng: random.Random) -> None:
    """Flits to be merged or turned hold still for 2 · lanes cycles; one adder and one multiplier give the same."""
    spec = Spec(nodes=2, link_width=128, memory_kib=4, inputs=256)
    dut = SerialLanes(spec=spec)
    cycles: list[dict[str, Any]] = []
    expected: dict[int, list[int]] = {}
    for kind in rng.choices(["merge", "turn"], k=100):
        one, other, a, b = ([single(rng) for _ in range(spec.lanes)] for _ in range(4))
        if kind == "merge":
            given = {"own": joined(one, 32), "received": joined(other, 32), "a": a[0], "b": b[0]}
            result = merge_words(*torch.tensor([one, other, [a[0]] * spec.lanes, [b[0]] * spec.lanes]))
        else:
            given = {"vector": joined(one, 32), "own": joined(a, 32), "other": joined(b, 32)}
            result = turn(*torch.tensor([one, a, b]))
        expected[len(cycles) + latency(spec)] = result.tolist()
        cycles += [{f"{kind}s": 1, kind: given}, *({kind: given} for _ in range(2 * spec.lanes - 1))]
        cycles += [{}] * rng.choice([0, 0, 1, 3])
    got = play(dut, [*cycles, *[{}] * (latency(spec) + 1)], ["o"])
    for cycle, words in expected.items():
        assert parted(got[cycle]["o"], 32, spec.lanes) == words, cycle
