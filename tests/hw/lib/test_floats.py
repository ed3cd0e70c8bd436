"""Floating-point units against their bit-true models."""

from __future__ import annotations

import random
from typing import Any

import pytest
import torch
from amaranth.hdl import Mux
from amaranth.sim import Simulator

from golden import floats
from golden.float_format import HALF, SINGLE, FloatFormat
from hw.lib import float_parts
from hw.lib.float_add import FloatAdd
from hw.lib.float_exp import FloatExp
from hw.lib.float_from_int import FloatFromInt
from hw.lib.float_multiply import FloatMultiply
from hw.lib.float_reciprocal import FloatReciprocal
from hw.lib.float_to_code import FloatToCode
from tests.hw.lib.simulate import evaluate, refuses, run_datapath

BOTH = pytest.mark.parametrize("fmt", [HALF, SINGLE], ids=["half", "single"])


def operands(fmt: FloatFormat, rng: random.Random) -> list[tuple[int, int]]:
    """Every pair of special values, then random, nearly cancelling, and nearly subnormal pairs."""
    one = fmt.bias << fmt.mantissa
    special = [0, 1, 2, 3, fmt.infinity, fmt.infinity + 1, fmt.nan, fmt.infinity - 1, 1 << fmt.mantissa, one, one + 1]
    special += [(1 << fmt.mantissa) - 1]
    special += [code | fmt.sign for code in special]
    pairs = [(a, b) for a in special for b in special]
    mask = (1 << fmt.width) - 1
    for _ in range(1000):
        a, flip = rng.getrandbits(fmt.width), fmt.sign * rng.getrandbits(1)
        pairs.append((a, rng.getrandbits(fmt.width)))
        pairs.append((a, (a ^ flip) + rng.randint(-9, 9) & mask))
        pairs.append((a, (a ^ flip) + (rng.randint(-4, 4) << fmt.mantissa) & mask))
        exponent = rng.randint(0, fmt.top)
        other = (fmt.bias - exponent + rng.randint(-fmt.mantissa - 3, 3)) % (fmt.top + 1)
        fractions = rng.getrandbits(fmt.mantissa), rng.getrandbits(fmt.mantissa)
        pairs.append((exponent << fmt.mantissa | fractions[0], other << fmt.mantissa | fractions[1]))
    return pairs


@BOTH
@pytest.mark.parametrize(("unit", "model"), [(FloatAdd, floats.add), (FloatMultiply, floats.multiply)])
def test_arithmetic(unit: type, model, fmt: FloatFormat, rng: random.Random) -> None:
    pairs = operands(fmt, rng)
    got = run_datapath(unit(fmt=fmt), [a | b << fmt.width for a, b in pairs])
    table = torch.tensor(pairs)
    expected = model(table[:, 0], table[:, 1], fmt).tolist()
    wrong = [(hex(a), hex(b), hex(g), hex(e)) for (a, b), g, e in zip(pairs, got, expected, strict=True) if g != e]
    assert not wrong, wrong[:5]


@BOTH
def test_order(fmt: FloatFormat, rng: random.Random) -> None:
    """`less` chooses what `maximum` and `minimum` choose, NaN aside."""
    pairs = [(a, b) for a, b in operands(fmt, rng) if max(a & ~fmt.sign, b & ~fmt.sign) <= fmt.infinity]
    got = evaluate([fmt.width] * 2, lambda a, b: [Mux(float_parts.less(a, b), b, a), float_parts.is_nan(a, fmt)], pairs)
    table = torch.tensor(pairs)
    expected = floats.maximum(table[:, 0], table[:, 1], fmt).tolist()
    assert got == [[e, 0] for e in expected]


def test_widen() -> None:
    codes = [*range(0, 1 << 16, 13), 0x7C00, 0xFC00, 0x7C01, 0x7E00, 0xFFFF, 1, 0x8001]
    got = evaluate([16], lambda a: [float_parts.widen(a)], [[code] for code in codes])
    assert [g for (g,) in got] == floats.widen(torch.tensor(codes)).tolist()


def test_exponential(rng: random.Random) -> None:
    uniform = floats.to_codes(
        torch.tensor([rng.uniform(0, 130) for _ in range(1500)] + [rng.random() for _ in range(500)])
    )
    codes = [*uniform.tolist(), *(rng.getrandbits(31) for _ in range(500)), 0, 1, SINGLE.infinity, SINGLE.nan]
    assert run_datapath(FloatExp(), codes) == floats.exp_negative(torch.tensor(codes)).tolist()


@pytest.mark.parametrize("width", [2, 24, 28, 48])
def test_from_int(width: int, rng: random.Random) -> None:
    low, high = -(1 << (width - 1)), (1 << (width - 1)) - 1
    ends = [
        0,
        1,
        -1,
        low,
        high,
        low + 1,
        *(v for k in (24, 25) if width > k + 2 for v in ((1 << k) + 1, -(3 << k) - 2)),
    ]
    cases = [(v, s) for v in ends for s in (-512, 511, 0, *range(-178, -124), *range(78, 130))]
    for _ in range(1500):
        value = rng.randint(low, high) >> rng.randrange(width)
        cases.append((value, rng.choice([rng.randint(-512, 511), rng.randint(-180, 130), -126 - value.bit_length()])))
    mask = (1 << width) - 1
    got = run_datapath(FloatFromInt(width=width), [v & mask | (s & 0x3FF) << width for v, s in cases])
    table = torch.tensor(cases)
    expected = floats.from_int(table[:, 0], table[:, 1]).tolist()
    wrong = [(v, s, hex(g), hex(e)) for (v, s), g, e in zip(cases, got, expected, strict=True) if g != e]
    assert not wrong, wrong[:5]


def test_from_int_width() -> None:
    for width in (1, 49):
        refuses(f"width must lie in 2..48, it is {width}", lambda width=width: FloatFromInt(width=width))


@pytest.mark.parametrize("bits", [8, 11, 18])
def test_to_code(bits: int, rng: random.Random) -> None:
    top = (1 << (bits - 1)) - 1
    one = SINGLE.bias << SINGLE.mantissa
    numbers = [0, 1, one - 1, one, one + 1, (1 << SINGLE.mantissa) - 1, 1 << SINGLE.mantissa]
    numbers += [SINGLE.infinity - 1, SINGLE.infinity, SINGLE.infinity + 1, SINGLE.nan]
    shifts = [-512, -127, 125, 126, 127, 511, *range(-2, 26)]
    cases = [(n | s, k, m) for n in numbers for s in (0, SINGLE.sign) for k in shifts for m in (0, top)]
    for _ in range(1500):
        # Halves on both sides of the limit, then any number.
        limit, k = rng.randint(0, top), rng.randint(-100, 100)
        half = rng.choice([2 * limit + rng.randint(-3, 3), rng.randint(-2 * top - 1, 2 * top + 1)])
        tie = int(floats.to_codes(torch.tensor(half * 2.0 ** (-1 - k), dtype=torch.float32)))
        cases += [(tie, k, limit), (rng.getrandbits(32), rng.randint(-512, 511), limit)]
    raw = [x | (k & 0x3FF) << 32 | m << 42 for x, k, m in cases]
    got = run_datapath(FloatToCode(bits=bits), raw)
    code, clipped = floats.to_code(*torch.tensor(cases).unbind(1))
    expected = (code & ((1 << bits) - 1) | clipped.long() << bits).tolist()
    wrong = [(hex(x), k, m, g, e) for (x, k, m), g, e in zip(cases, got, expected, strict=True) if g != e]
    assert not wrong, wrong[:5]


def test_to_code_bits() -> None:
    for bits in (7, 19):
        refuses(f"bits must lie in 8..18, it is {bits}", lambda bits=bits: FloatToCode(bits=bits))


def test_reciprocal(rng: random.Random) -> None:
    """`done` after `latency` cycles and for one, the result held to the next; a start in between drops the first."""
    tiny, one, top = 1 << SINGLE.mantissa, SINGLE.bias << SINGLE.mantissa, 253 << SINGLE.mantissa
    codes = [0, 1, tiny - 1, tiny, tiny + 1, one - 1, one, one + 1, one | tiny - 1, top - 1, top, top + 1]
    codes += [top + tiny, top + tiny + 1, SINGLE.infinity - 1, SINGLE.infinity, SINGLE.infinity + 1, SINGLE.nan]
    codes += [code | SINGLE.sign for code in codes] + [rng.getrandbits(32) for _ in range(2000)]
    expected = floats.reciprocal(torch.tensor(codes)).tolist()
    dut: Any = FloatReciprocal()

    async def run(ctx: Any) -> None:
        async def start(code: int) -> None:
            ctx.set(dut.i, {"start": 1, "value": code})
            await ctx.tick()
            ctx.set(dut.i, {"start": 0, "value": rng.getrandbits(32)})

        before = None
        for code, result in zip(codes, expected, strict=True):
            if rng.random() < 0.1:
                await start(rng.getrandbits(32))
                await ctx.tick().repeat(rng.randrange(1, dut.latency - 1))
            await start(code)
            for _ in range(dut.latency - 1):
                assert not ctx.get(dut.done)
                assert before in (None, ctx.get(dut.o))
                await ctx.tick()
            assert (ctx.get(dut.done), hex(ctx.get(dut.o))) == (1, hex(result)), hex(code)
            before = result
            if rng.random() < 0.1:
                await ctx.tick().repeat(rng.randint(1, 40))
                assert (ctx.get(dut.done), ctx.get(dut.o)) == (0, result)

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(run)
    simulator.run()
