"""The way from codes to results: dequantised weights, dot products, rescaled sums, and all of it in a projection."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from amaranth.hdl import Cat, Module, Value

from golden.cluster.beats import stream_beats
from golden.cluster.command import Command
from golden.cluster.compute import Unit, rescale
from golden.cluster.spec import Op, Spec
from golden.cluster.weights import dequantise, pack_weights, quantise, row_flits
from golden.float_format import SINGLE
from hw.cluster.dequantise import Dequantise
from hw.cluster.dot_product import DotProduct, dot_latency
from hw.cluster.layouts import Beat
from hw.cluster.projection import MAXIMUM_LATENCY, READ_LATENCY, Projection, projection_latency
from hw.cluster.rescale import Rescale
from hw.cluster.serial_rescale import SerialRescale
from hw.lib.fields import pack
from hw.lib.float_multiply import FloatMultiply
from tests.hw.cluster.cycles import play
from tests.hw.cluster.numbers import code, flits_of, joined, parted, single
from tests.hw.lib.simulate import run_datapath

INT8 = Spec(nodes=4, link_width=64, memory_kib=4, inputs=256)
INT4 = replace(INT8, weight_bits=4)
WIDE = replace(INT8, link_width=128, weight_bits=4, activation_bits=16)


@pytest.mark.parametrize("spec", [INT4, WIDE], ids=["64 bits", "128 bits"])
def test_dequantise(spec: Spec, rng: random.Random) -> None:
    """All steps and offsets are loaded, then flits of any group follow each other."""
    dut = Dequantise(spec=spec)
    pairs = [(rng.randrange(256), rng.randrange(-128, 128)) for _ in range(dut.rows * dut.pairs)]
    words = [step | (offset & 255) << 8 for step, offset in pairs]
    fills = [
        {"fill": 1, "row": row, "flit": joined(words[row * dut.pairs :][: dut.pairs], 16)} for row in range(dut.rows)
    ]
    groups = [rng.randrange(len(pairs)) for _ in range(100)]
    weights = [[rng.randrange(16) for _ in range(spec.products)] for _ in groups]
    flits = [{"flit": joined(w, 4), "group": g} for w, g in zip(weights, groups, strict=True)]
    cycles = [*fills, *flits, *({} for _ in range(Dequantise.latency))]
    got = [each["o"] for each in play(dut, cycles, ["o"])][len(fills) + Dequantise.latency :]
    for group, row, bits in zip(groups, weights, got, strict=True):
        step, offset = (np.array(value) for value in pairs[group])
        expected = dequantise(np.array(row), step, offset)
        assert parted(bits, 8, spec.products) == (expected & 255).tolist(), (row, pairs[group])


@pytest.mark.parametrize("spec", [INT8, INT4, WIDE], ids=["int8", "int4", "wide"])
def test_dot_product(spec: Spec, rng: random.Random) -> None:
    """Rows of any length back to back and with gaps; the longest row of extremes fills the sum's bits."""
    top = 1 << (spec.activation_bits - 1)
    longest = spec.inputs // spec.products
    rows: list[tuple[list[list[int]], list[list[int]]]] = []
    for number in range(30):
        flits = longest if number % 10 == 0 else rng.randrange(1, 6)
        shape = [range(spec.products)] * flits
        if number % 10 == 0:
            rows.append(([[-128 for _ in s] for s in shape], [[-top for _ in s] for s in shape]))
        else:
            rows.append(
                (
                    [[rng.randrange(-128, 128) for _ in s] for s in shape],
                    [[rng.randrange(-top, top) for _ in s] for s in shape],
                )
            )
    cycles: list[dict[str, Any]] = []
    ends = []
    for codes, activations in rows:
        for k, (c, a) in enumerate(zip(codes, activations, strict=True)):
            while rng.random() < 0.2:
                noise = [rng.randrange(-128, 128) for _ in c]
                cycles.append({"i": {"codes": noise, "activations": noise, "first": rng.getrandbits(1)}})
            cycles.append({"valid": 1, "i": {"codes": c, "activations": a, "first": int(k == 0)}})
        ends.append(len(cycles) - 1)
    got = play(DotProduct(spec=spec), cycles + [{}] * dot_latency(spec), ["o"])
    for (codes, activations), end in zip(rows, ends, strict=True):
        expected = sum(x * y for c, a in zip(codes, activations, strict=True) for x, y in zip(c, a, strict=True))
        assert got[end + dot_latency(spec)]["o"] == expected


def test_rescale(rng: random.Random) -> None:
    """Totals of every size; exponent and factor hold for a run of them, the scale belongs to each."""
    dut = Rescale(spec=INT8)
    width = len(dut.i.total)
    for exponent, factor in ((0, SINGLE.one), (-140, code(3.7)), (130, code(1e-6))):
        totals = [0, -1, -1 << (width - 1), (1 << (width - 1)) - 1]
        totals += [rng.getrandbits(rng.randrange(1, width)) * rng.choice([-1, 1]) for _ in range(100)]
        scales = [single(rng) for _ in totals]
        cases = [
            pack(dut.i.shape(), {"total": t, "exponent": exponent, "factor": factor, "scale": s})
            for t, s in zip(totals, scales, strict=True)
        ]
        settled = [cases[-1]] * Rescale.latency  # the factor holds still until the last total has left
        got = run_datapath(dut, [*cases, *settled])[: len(cases)]
        assert got == rescale(torch.tensor(totals), exponent, factor, torch.tensor(scales)).tolist()


def test_serial_rescale(rng: random.Random) -> None:
    """The same beside a multiplier of others: a total once in 2 · lanes cycles, its scale when its turn comes."""
    dut = SerialRescale(spec=INT8)
    m = Module()
    m.submodules.dut = dut
    m.submodules.multiplier = multiplier = FloatMultiply(fmt=SINGLE)
    m.d.comb += [
        Value.cast(multiplier.i).eq(Cat(dut.multiply.a, dut.multiply.b)),
        dut.product.eq(multiplier.o),
    ]
    width, interval = len(dut.i.total), 2 * INT8.lanes
    exponent, factor = -140, code(3.7)
    totals = [-1, (1 << (width - 1)) - 1, *(rng.getrandbits(rng.randrange(1, width)) - 1 for _ in range(60))]
    scales = [single(rng) for _ in totals]
    cycles: list[dict[str, Any]] = []
    for cycle in range(interval * len(totals) + SerialRescale.latency):
        number, phase = divmod(cycle, interval)
        earlier, later = divmod(cycle - SerialRescale.SCALE, interval)
        given = {"exponent": exponent, "factor": factor}
        given |= {"total": totals[number]} if phase == 0 and number < len(totals) else {}
        given |= {"scale": scales[earlier]} if later == 0 and 0 <= earlier < len(scales) else {"scale": single(rng)}
        cycles.append({"valid": int("total" in given), "i": given})
    got = play(dut, cycles, ["o"], beside=m, driven=["product"])[SerialRescale.latency :: interval]
    wanted = rescale(torch.tensor(totals), exponent, factor, torch.tensor(scales)).tolist()
    assert [each["o"] for each in got][: len(totals)] == wanted


class Rows:
    """A projection whose activations are loaded, and what it does cycle by cycle."""

    def __init__(self, spec: Spec, inputs: int, rng: random.Random) -> None:
        self.spec, self.rng, self.unit = spec, rng, Unit(spec)
        self.dut = Projection(spec=spec)
        top = (1 << (spec.activation_bits - 1)) - 1
        codes = [rng.randint(-top, top) for _ in range(inputs)]
        self.unit.load_activations(torch.tensor(codes), 0, code(0.37))
        self.unit.exponent = -5
        self.held = {"exponent": -5, "factor": self.unit.factor}
        size = spec.flit_bytes
        self.cycles: list[dict[str, Any]] = [
            {"activations": {"enable": 1, "unit": k, "codes": joined(codes[k * size :][:size], spec.activation_bits)}}
            for k in range(inputs // size)
        ]

    def stream(self, command: Command, flits: list[int], **held: Any) -> None:
        """Beats of the command's stream with gaps among them, and the time until all results are there."""
        settings = {"settings": {"scale": command.scale}, **self.held, **held}
        for fields, flit in zip(stream_beats(command, self.spec), flits, strict=True):
            while self.rng.random() < 0.2:
                self.cycles.append({"flit": self.rng.getrandbits(self.spec.link_width), **settings})
            beat = {name: Beat[str(v)] if name == "kind" else int(v) for name, v in fields.items()}
            self.cycles.append({"beat": beat, "flit": flit, **settings})
        self.cycles += [settings] * (projection_latency(self.spec) + 1)

    def run(self) -> dict[int, list[int]]:
        """Words of the flits of results by address; `maximum` is left as it was in the last cycle."""
        got = play(self.dut, self.cycles, ["o", "maximum"])
        self.maximum = got[-1]["maximum"]
        written = [each["o"] for each in got if each["o"].enable]
        assert len({flit.address for flit in written}) == len(written), "a flit of results leaves once"
        return {flit.address: parted(flit.data, 32, self.spec.lanes) for flit in written}


@pytest.mark.parametrize("spec", [INT8, INT4, WIDE], ids=["int8", "int4", "wide"])
def test_rows_of_weights(spec: Spec, rng: random.Random) -> None:
    inputs, blocks = 128, 2
    bench = Rows(spec, inputs, rng)
    values = np.random.default_rng(rng.getrandbits(32)).standard_normal((blocks * spec.lanes, inputs))
    weights = quantise(values, spec)
    command = Command(op=Op.GEMV, flits=blocks, record=row_flits(inputs, spec), target=5)
    bench.stream(command, flits_of(pack_weights(weights, spec), spec))
    got = bench.run()
    scales = torch.from_numpy(weights.scales.view(np.int32).astype(np.int64))
    expected = bench.unit.gemv(torch.from_numpy(weights.wide), scales).reshape(blocks, -1).tolist()
    assert got == {5 + block: words for block, words in enumerate(expected)}


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("spec", [INT8, WIDE], ids=["int8", "wide"])
def test_rows_of_keys(spec: Spec, masked: bool, rng: random.Random) -> None:
    """Scores of a number of tokens that fills no flit; -∞ stands where no token is, and the maximum is theirs."""
    tokens = 2 * spec.lanes + 1
    bench = Rows(spec, 64, rng)
    keys = np.array([[rng.randint(-127, 127) for _ in range(64)] for _ in range(tokens)])
    command = Command(op=Op.SCORE, flits=tokens, record=64 // spec.flit_bytes, target=9, scale=code(0.02))
    flits = flits_of(keys.astype(np.int8).view(np.uint8), spec)
    larger = replace(command, scale=code(0.5))
    bench.stream(larger, flits)  # leaves a maximum behind, which the next command forgets
    bench.stream(replace(command, target=40), flits, masked=masked)
    got = bench.run()
    scores = bench.unit.score(torch.from_numpy(keys), command.scale, masked).tolist()
    spare = [SINGLE.negative_infinity] * (-tokens % spec.lanes)
    assert [word for k in range(40, 43) for word in got[k]] == scores + spare
    assert bench.maximum == bench.unit.maximum


def test_a_maximum_is_looked_for(rng: random.Random) -> None:
    """MAXIMUM beats ask for flits of scores, which come 2 cycles later; the first forgets what was before."""
    flits = [[single(rng) for _ in range(INT8.lanes)] for _ in range(9)]
    largest = max((word for flit in flits for word in flit), key=lambda w: np.uint32(w).view(np.float32))
    high = [code(1e9)] * INT8.lanes
    asked = [(high, 1), *((flit, int(k == 0)) for k, flit in enumerate(flits))]
    cycles: list[dict[str, Any]] = [{"beat": {"kind": Beat.MAXIMUM, "begin": begin}} for _, begin in asked]
    cycles += [{}] * (MAXIMUM_LATENCY + INT8.lanes)
    for k, (flit, _) in enumerate(asked):
        cycles[k + READ_LATENCY] = {**cycles[k + READ_LATENCY], "scores": joined(flit, 32)}
    assert play(Projection(spec=INT8), cycles, ["maximum"])[-1]["maximum"] == largest
