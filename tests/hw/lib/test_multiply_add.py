from __future__ import annotations

import random
from itertools import product

import pytest
from amaranth.hdl import Shape, signed, unsigned

from golden.formats import Format
from hw.lib.fields import pack, unpack_nested
from hw.lib.multiply_add import MultiplyAdd
from tests.hw.lib.simulate import refuses, run_datapath


@pytest.mark.parametrize(
    "shapes",
    [
        (signed(18), signed(18), signed(48)),
        (unsigned(18), unsigned(18), unsigned(36)),
        (unsigned(5), signed(9), unsigned(3)),
        (signed(3), signed(3), signed(20)),
    ],
)
def test_exact_after_three_cycles(shapes: tuple[Shape, ...], rng: random.Random) -> None:
    dut = MultiplyAdd(**dict(zip("abc", shapes, strict=True)))
    layout = dut.i.shape()
    ranges = [Format(s.width, 0, s.signed) for s in shapes]
    operands = list(product(*((r.low, r.high) for r in ranges)))
    operands += [tuple(rng.randint(r.low, r.high) for r in ranges) for _ in range(300)]
    inputs = [pack(layout, dict(zip("abc", values, strict=True))) for values in operands]
    results = [unpack_nested(bits, dut.o.shape()) for bits in run_datapath(dut, inputs, latency=3)]
    assert results == [a * b + c for a, b, c in operands]


def test_widths() -> None:
    refuses("b must have 1 to 64 bits, it has 65", lambda: MultiplyAdd(a=signed(8), b=signed(65), c=signed(8)))
