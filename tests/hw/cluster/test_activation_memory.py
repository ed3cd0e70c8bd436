"""The activations of a decode unit, and how the host's flits fill it."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from golden.cluster.spec import Spec
from hw.cluster.activation_memory import ActivationMemory, CodeUnits
from tests.hw.cluster.cycles import play
from tests.hw.cluster.numbers import flits_of, joined

INT8 = Spec(nodes=4, link_width=64, memory_kib=4, inputs=256)
INT4 = replace(INT8, weight_bits=4)
SPECS = pytest.mark.parametrize(
    "spec",
    [INT8, INT4, replace(INT8, activation_bits=12), replace(INT4, link_width=128)],
    ids=["int8", "int4", "12 bits", "wide"],
)


@SPECS
def test_rows_are_made_of_units(spec: Spec, rng: random.Random) -> None:
    """Units written in any order; then every row, 2 cycles after it is asked for, one a cycle."""
    width = spec.flit_bytes * spec.activation_bits
    units = [rng.getrandbits(width) for _ in range(spec.inputs // spec.flit_bytes)]
    order = rng.sample(range(len(units)), len(units))
    cycles: list[dict[str, Any]] = []
    for k in order:
        cycles.append({"write": {"enable": 1, "unit": k, "codes": units[k]}})
        cycles.append({"write": {"enable": 0, "unit": rng.randrange(len(units)), "codes": rng.getrandbits(width)}})
    per_row = spec.products // spec.flit_bytes
    asked = [rng.randrange(len(units) // per_row) for _ in range(100)]
    start = len(cycles)
    got = play(ActivationMemory(spec=spec), [*cycles, *({"read": row} for row in asked), {}, {}], ["codes"])
    for k, row in enumerate(asked):
        assert got[start + k + 2]["codes"] == joined(units[row * per_row :][:per_row], width)


@SPECS
def test_flits_become_units(spec: Spec, rng: random.Random) -> None:
    """A unit a flit, or a unit from two flits of codes that lie in 16 bits; flits come with gaps."""
    size = spec.flit_bytes
    top = 1 << (spec.activation_bits - 1)
    codes = np.array([rng.randrange(-top, top) for _ in range(6 * size)])
    raw = codes.astype(np.int8 if spec.activation_bits == 8 else np.int16).view(np.uint8)
    cycles: list[dict[str, Any]] = []
    for index, flit in enumerate(flits_of(raw, spec)):
        while rng.random() < 0.3:
            cycles.append({"index": rng.randrange(20), "flit": rng.getrandbits(spec.link_width)})
        cycles.append({"valid": 1, "index": index, "flit": flit})
    writes = [each["o"] for each in play(CodeUnits(spec=spec), [*cycles, {}], ["o"]) if each["o"].enable]
    got = [(write.unit, write.codes) for write in writes]
    assert got == [(k, joined(codes[k * size :][:size].tolist(), spec.activation_bits)) for k in range(6)]
