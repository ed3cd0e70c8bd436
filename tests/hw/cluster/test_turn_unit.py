"""Vectors that are turned, and the codes they become."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
import torch

from golden import floats
from golden.cluster.compute import quantise, turn
from golden.cluster.spec import CACHE_LIMIT, Spec
from hw.cluster.turn_unit import TurnUnit
from tests.hw.cluster.cycles import play
from tests.hw.cluster.lanes import with_lanes
from tests.hw.cluster.numbers import joined, parted

INT8 = Spec(nodes=4, link_width=64, memory_kib=4, inputs=256)


@pytest.mark.parametrize("cache", [False, True])
@pytest.mark.parametrize(
    "spec", [INT8, replace(INT8, activation_bits=12), replace(INT8, link_width=128)], ids=["int8", "12 bits", "wide"]
)
def test_turned_and_quantised(spec: Spec, cache: bool, rng: random.Random) -> None:
    """Vectors of different size one after the other: the second's exponent owes nothing to the first's."""
    dut = TurnUnit(spec=spec)
    cycles: list[dict[str, Any]] = []
    checks: list[tuple[int, list[int], int, list[bool]]] = []  # cycle of the first codes, codes, exponent, clipped
    for length, spread in ((64, 400.0), (128, 0.02), (32, 60.0)):
        vector, own, other = floats.to_codes(torch.randn((3, length), generator=generator(rng)) * spread**0.5)
        flits = length // spec.lanes
        for k in range(flits):
            part = slice(k * spec.lanes, (k + 1) * spec.lanes)
            row = {"vector": vector[part], "own": own[part], "other": other[part]}
            flit = {name: joined(words.tolist(), 32) for name, words in row.items()}
            cycles.append({"valid": 1, "i": {**flit, "row": k, "first": int(k == 0)}, "cache": cache})
            if rng.random() < 0.3:
                cycles.append({"i": {"vector": rng.getrandbits(64), "row": 0, "first": 1}, "cache": cache})
        cycles += [{"cache": cache}] * TurnUnit.turn_latency(spec)
        turned = turn(vector, own, other)
        if cache:
            codes, clipped = floats.to_code(turned, torch.zeros_like(turned), CACHE_LIMIT)
            exponent = 0
        else:
            codes, exponent = quantise(turned, spec.activation_bits)
            clipped = torch.zeros_like(codes)
        checks.append((len(cycles) + TurnUnit.code_latency(spec), codes.tolist(), exponent, clipped.bool().tolist()))
        cycles += [{"read": k, "cache": cache} for k in range(flits)] + [{"cache": cache}] * TurnUnit.code_latency(spec)
    got = play(dut, cycles, ["codes", "clipped", "exponent"], beside=with_lanes(dut, spec), driven=["turned"])
    bits = spec.activation_bits
    for start, codes, exponent, clipped in checks:
        flits = got[start : start + len(codes) // spec.lanes]
        assert [c for flit in flits for c in parted(flit["codes"], bits, spec.lanes)] == [
            c % (1 << bits) for c in codes
        ]
        assert [bool(c) for flit in flits for c in parted(flit["clipped"], 1, spec.lanes)] == clipped
        assert cache or flits[0]["exponent"] == exponent
    assert not cache or any(any(clipped) for _, _, _, clipped in checks)


def generator(rng: random.Random) -> torch.Generator:
    return torch.Generator().manual_seed(rng.getrandbits(32))
