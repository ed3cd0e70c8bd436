from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import pytest
from amaranth.back import rtlil
from amaranth.hdl import Elaboratable, Module, Shape, Signal, Value, signed, unsigned
from amaranth.lib import data

from fpga.boards import find_board
from golden import formats
from golden.formats import Format
from hw.lib.fields import pack, unpack_nested
from hw.lib.multiply_add import MultiplyAdd
from hw.lib.pipe import RING_MIN_BITS, RING_MIN_DELAY, Pipe, Staged
from tests.hw.lib.simulate import refuses, run_datapath

PAIR = data.StructLayout({"low": signed(4), "high": 7})


class Datapath(Elaboratable):
    """Sources of the given shapes, what `build` makes of them, brought to the cycle of the oldest."""

    def __init__(self, shapes: Sequence[Any], build: Callable[..., Sequence[Staged]], platform: object = None) -> None:
        self.m = Module()
        self.i = Signal(data.StructLayout({f"i{k}": shape for k, shape in enumerate(shapes)}))
        p = Pipe(self.m, platform)
        results = build(p, *(p.source(self.i[f"i{k}"], f"i{k}") for k in range(len(shapes))))
        self.stages = [item.stage for item in results]
        self.latency = max(self.stages)
        self.o = Signal(data.StructLayout({f"o{k}": item.value.shape() for k, item in enumerate(results)}))
        for k, item in enumerate(results):
            self.m.d.comb += Value.cast(self.o[f"o{k}"]).eq(Value.cast(p.at(item, self.latency)))

    def elaborate(self, platform: object) -> Elaboratable:
        return self.m

    def run(self, vectors: Sequence[Sequence[Any]]) -> list[list[Any]]:
        """The results for one vector of inputs a cycle."""
        inputs = [pack(self.i.shape(), {f"i{k}": v for k, v in enumerate(vector)}) for vector in vectors]
        return [list(unpack_nested(bits, self.o.shape()).values()) for bits in run_datapath(self, inputs)]


def numbers(shape: Shape, count: int, rng: random.Random) -> list[int]:
    """The corners of a shape and random numbers in it, small and large."""
    fmt = Format(shape.width, 0, shape.signed)
    drawn = [rng.randint(fmt.low, fmt.high) >> rng.randrange(shape.width) for _ in range(count)]
    return [fmt.low, fmt.high, 0, fmt.high // 2 + 1, *drawn]


def test_operands_of_different_ages_meet(rng: random.Random) -> None:
    def build(p: Pipe, a: Staged, b: Staged, c: Staged) -> list[Staged]:
        product_ = p.stage(lambda x, y: x * y, a, b, name="product")
        total = p.stage(lambda x, y: x + y, product_, c, name="total")
        late = p.stage(lambda x, y, z: x - y + z, total, c, a, name="late")
        return [product_, total, late]

    dut = Datapath([signed(9), 7, signed(5)], build)
    assert dut.stages == [1, 2, 3]
    vectors = [[rng.randint(-256, 255), rng.randint(0, 127), rng.randint(-16, 15)] for _ in range(60)]
    assert dut.run(vectors) == [[a * b, a * b + c, a * b + a] for a, b, c in vectors]


@pytest.mark.parametrize("shape", [unsigned(1), signed(20), PAIR, unsigned(40)])
@pytest.mark.parametrize("wait", [1, 2, 4, 5, 6, 7, 8, 9, 13, 16, 17, 31, 32, 33, 48])
def test_delays(wait: int, shape: Any, rng: random.Random) -> None:
    dut = Datapath([shape], lambda p, a: [p.source(p.at(a, wait), "late", wait)])
    width = Shape.cast(shape).width
    values = [unpack_nested(rng.getrandbits(width), shape) for _ in range(3 * wait)]
    assert dut.run([[v] for v in values]) == [[v] for v in values]
    assert isinstance(dut.o.o0, data.View) == isinstance(shape, data.Layout)


@pytest.mark.parametrize(("a", "b"), [(signed(19), signed(38)), (unsigned(16), signed(30)), (signed(9), unsigned(19))])
def test_wide_product(a: Shape, b: Shape, rng: random.Random) -> None:
    """Both halves of the wide operand count, the lower one without a sign."""
    dut = Datapath([a, b], lambda p, x, y: [p.wide_product(x, y, name="product")])
    assert dut.stages == [2]
    vectors = list(zip(numbers(a, 100, rng), numbers(b, 100, rng), strict=True))
    vectors += list(product(numbers(a, 0, rng), numbers(b, 0, rng)))
    assert dut.run(vectors) == [[x * y] for x, y in vectors]


@pytest.mark.parametrize("split", [3, 5, 7])
@pytest.mark.parametrize(("a", "b"), [(signed(9), signed(9)), (unsigned(7), signed(8)), (signed(6), unsigned(9))])
def test_parted_product(a: Shape, b: Shape, split: int, rng: random.Random) -> None:
    """Two terms, the sign of b in the second one alone; one for a narrow b."""
    dut = Datapath([a, b], lambda p, x, y: p.parted_product(x, y, split=split, name="product"))
    assert dut.stages == [1, 1]
    vectors = [list(pair) for pair in product(numbers(a, 12, rng), numbers(b, 12, rng))]
    low = (1 << split) - 1
    assert dut.run(vectors) == [[x * (y & low), x * (y - (y & low))] for x, y in vectors]
    whole = Datapath([a, b], lambda p, x, y: p.parted_product(x, y, split=b.width, name="product"))
    assert whole.run(vectors) == [[x * y] for x, y in vectors]


@pytest.mark.parametrize(("bits", "terms"), [(18, 1), (19, 2)])
def test_a_device_multiplies_whole(bits: int, terms: int, rng: random.Random) -> None:
    """What its multipliers take is one product there; of what is wider, the highest bits are added."""
    platform = find_board("ulx3s-85f").platform()
    dut = Datapath([signed(9), signed(bits)], lambda p, x, y: p.parted_product(x, y, name="product"), platform)
    assert len(dut.stages) == terms
    vectors = [list(pair) for pair in product(numbers(signed(9), 12, rng), numbers(signed(bits), 12, rng))]
    assert [sum(row) for row in dut.run(vectors)] == [x * y for x, y in vectors]


@pytest.mark.parametrize(("wait", "bits", "ring"), [(4, 64, False), (5, 19, False), (5, 20, True), (48, 2, True)])
def test_long_delays_are_memories(wait: int, bits: int, ring: bool) -> None:
    assert (RING_MIN_DELAY, RING_MIN_BITS) == (5, 96)
    dut = Datapath([bits], lambda p, a: [p.source(p.at(a, wait), "late", wait)])
    text = rtlil.convert(dut, ports=[Value.cast(dut.i), Value.cast(dut.o)])
    assert (text.count("cell $memrd_v2"), "memory width" in text) == (ring, ring)


def test_a_proof_sees_that_a_rings_ports_never_meet() -> None:
    """The assertion stands in the netlist that is proved, and in no other."""
    for platform, assertions in (("formal", 1), (None, 0)):
        dut = Datapath([40], lambda p, a: [p.source(p.at(a, 12), "late", 12)], platform)
        text = rtlil.convert(dut, ports=[Value.cast(dut.i), Value.cast(dut.o)], platform=platform)
        assert text.count("cell $memrd_v2") == 1
        assert text.count("cell $check") == assertions


def test_one_operand_at_many_ages(rng: random.Random) -> None:
    ages = [0, 12, 3, 30, 7, 12, 29, 13]
    dut = Datapath([24], lambda p, a: [p.stage(lambda v: v + 1, p.source(p.at(a, t), "a", t), name="n") for t in ages])
    values = [rng.getrandbits(23) for _ in range(80)]
    assert dut.run([[v] for v in values]) == [[v + 1] * len(ages) for v in values]


def test_too_early() -> None:
    m = Module()
    p = Pipe(m, None)
    refuses("late is there in cycle 4, not yet in cycle 2", lambda: p.at(p.source(Signal(), "late", 4), 2))


def test_constants_are_not_delayed() -> None:
    def build(p: Pipe, a: Staged) -> list[Staged]:
        scale = p.constant(Value.cast(3), "scale")
        assert p.at(scale, 50) is scale.value
        return [p.stage(lambda x, s: x * s, a, scale, name="scaled")]

    dut = Datapath([4], build)
    assert dut.stages == [1]
    assert dut.run([[5], [7]]) == [[15], [21]]


def test_views_pass_through_a_stage(rng: random.Random) -> None:
    dut = Datapath([PAIR, 1], lambda p, a, b: [p.stage(lambda v, _: v, a, b, name="kept")])
    values = [{"low": rng.randint(-8, 7), "high": rng.getrandbits(7)} for _ in range(20)]
    assert dut.run([[v, 0] for v in values]) == [[v] for v in values]


def test_join_unit_and_finish(rng: random.Random) -> None:
    def build(p: Pipe, a: Staged, b: Staged) -> list[Staged]:
        p.m.submodules.mac = mac = MultiplyAdd(a=signed(6), b=signed(6), c=signed(6))
        old = p.stage(lambda v: v, a, name="old")
        result = p.unit(_Operands(mac), a=old, b=b, c=old)
        both = p.join([result("o"), b], "both")
        output = Signal(data.StructLayout({"both": len(both.value), "a": signed(6)}))
        p.finish(output, 4, both=both, a=a)
        refuses("takes 4 cycles, its stated latency is 5", lambda: p.finish(output, 5, both=both, a=a))
        return [p.source(output, "output", 4)]

    dut = Datapath([signed(6), signed(6)], build)
    vectors = [[rng.randint(-32, 31), rng.randint(-32, 31)] for _ in range(40)]
    width = 14  # of MultiplyAdd's result
    expected = [((a * b + a) & ((1 << width) - 1)) | (b & 63) << width for a, b in vectors]
    assert [(row[0]["both"], row[0]["a"]) for row in dut.run(vectors)] == list(
        zip(expected, (a for a, _ in vectors), strict=True)
    )


class _Operands:
    """A unit whose result has a name, as `Pipe.unit` wants it."""

    def __init__(self, unit: MultiplyAdd) -> None:
        self.i, self.o, self.latency = unit.i, {"o": unit.o}, unit.latency


@pytest.mark.parametrize("count", [1, 2, 5, 8])
def test_rom(count: int, rng: random.Random) -> None:
    words = [rng.getrandbits(9) for _ in range(count)]
    dut = Datapath([range(count)], lambda p, a: [p.rom(words, 9, a, name="words")])
    assert dut.stages == [2]
    assert dut.run([[k] for k in range(count)]) == [[word] for word in words]


@pytest.mark.parametrize("word", [8, -1])
def test_rom_words_have_to_fit(word: int) -> None:
    message = f"ROM words: word 1 must lie in 0..2**3 - 1, it is {word}"
    refuses(message, lambda: Datapath([1], lambda p, a: [p.rom([0, word], 3, a, name="words")]))


SHAPES = [unsigned(5), signed(5), unsigned(20), signed(20)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("bits", [1, 3, 4, 5])
@pytest.mark.parametrize("width", [3, 20, 24])
def test_shift_left(shape: Shape, bits: int, width: int, rng: random.Random) -> None:
    dut = Datapath([shape, bits], lambda p, v, a: [p.shift_left(v, a, width, name="shifted")])
    assert dut.stages == [2]
    vectors = list(product(numbers(shape, 10, rng), range(1 << bits)))
    fmt = Format(width, 0, shape.signed)
    assert dut.run(vectors) == [[formats.wrap(v << a, fmt)] for v, a in vectors]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("bits", [1, 3, 4, 5])
def test_shift_right(shape: Shape, bits: int, rng: random.Random) -> None:
    dut = Datapath([shape, bits], lambda p, v, a: [p.shift_right(v, a, name="shifted")])
    assert dut.stages == [2]
    assert dut.o.o0.shape() == shape
    vectors = list(product(numbers(shape, 10, rng), range(1 << bits)))
    assert dut.run(vectors) == [[v >> a] for v, a in vectors]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("bits", [1, 3, 4, 5])
def test_shift_right_half_up(shape: Shape, bits: int, rng: random.Random) -> None:
    dut = Datapath([shape, bits], lambda p, v, a: [p.shift_right_half_up(v, a, name="shifted")])
    assert dut.stages == [2]
    assert len(dut.o.o0) == shape.width + 1
    vectors = list(product(numbers(shape, 10, rng), range(1, 1 << bits)))
    assert dut.run(vectors) == [[formats.shift_round(v, a, "half_up")] for v, a in vectors]


@pytest.mark.parametrize(
    ("have", "width", "bits"), [(16, 16, 16), (16, 16, 9), (11, 16, 8), (31, 31, 17), (20, 12, 12)]
)
def test_normalise(have: int, width: int, bits: int, rng: random.Random) -> None:
    dut = Datapath([have], lambda p, v: p.normalise(v, width, bits, name="norm"))
    assert dut.stages == [3, 1]
    values = [v & ((1 << have) - 1) for v in numbers(unsigned(have), 200, rng)]
    expected = []
    for value in values:
        word = value & ((1 << width) - 1)
        zeros = width - max(word, 1).bit_length()
        expected.append([(word << zeros) >> (width - bits), zeros])
    assert dut.run([[v] for v in values]) == expected
