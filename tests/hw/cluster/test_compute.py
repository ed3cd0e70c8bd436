"""A node's decode unit, beat by beat, against `golden.cluster.compute.Unit`."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from amaranth.sim import Simulator

from golden import floats
from golden.cluster.compute import Unit, largest
from golden.cluster.spec import Spec, Turned
from golden.cluster.weights import group_flits, pack_weights, quantise, row_flits
from hw.cluster.compute import READ_LATENCY, Compute
from hw.cluster.layouts import Beat
from tests.hw.cluster.lanes import with_lanes
from tests.hw.cluster.numbers import code, flits_of

INT8 = Spec(nodes=4, link_width=64, memory_kib=4, inputs=256)
SPECS: dict[str, Spec] = {
    "int8": INT8,
    "int4": replace(INT8, weight_bits=4),
    "12-bit activations": replace(INT8, activation_bits=12),
    "wide, int4": replace(INT8, link_width=128, weight_bits=4, activation_bits=16),
}
#: Cycles from beat to beat: words of a flit beside each other, or one after the other.
INTERVALS = pytest.mark.parametrize("serial", [False, True], ids=["parallel", "serial"])
Item = tuple[dict[str, int], int]  # a beat's fields, and its flit


class Bench:
    """Drives one unit; `memory` is its node's, by flit."""

    def __init__(self, spec: Spec, rank: int = 0, serial: bool = False) -> None:
        self.spec, self.rank = spec, rank
        self.interval = 2 * spec.lanes if serial else 1
        self.dut = Compute(spec=spec, interval=self.interval)
        self.memory: dict[int, int] = {}
        self.phases: list[tuple[dict[str, int], list[Item]]] = []
        self.clipped = 0

    def phase(self, items: Iterator[Item] | list[Item], **settings: int) -> None:
        """Beats under `settings`; the unit settles before the next phase."""
        self.phases.append((settings, list(items)))

    def run(self, rng: random.Random) -> None:
        """All phases, with pauses between beats at random; a read and a write of the memory each cycle."""
        dut = self.dut

        async def drive(ctx) -> None:
            ctx.set(dut.rank, self.rank)
            reads: list[int] = [0] * READ_LATENCY

            async def beat_of(beat: dict[str, int], flit: int) -> None:
                for name in dut.beat.shape().members:
                    ctx.set(dut.beat[name], Beat(beat.get(name, 0)) if name == "kind" else beat.get(name, 0))
                ctx.set(dut.flit, flit)
                for phase in range(self.interval):
                    if phase:
                        ctx.set(dut.beat.kind, Beat.IDLE)
                    if self.interval > 1:
                        ctx.set(dut.phase, phase)
                    await cycle()

            async def cycle() -> None:
                reads.append(
                    self.memory.get(ctx.get(dut.read.address), 0) if ctx.get(dut.read.enable) else rng.getrandbits(64)
                )
                # What was not asked for is noise.
                ctx.set(dut.word, reads[-1 - READ_LATENCY])
                await ctx.tick()
                self.clipped += ctx.get(dut.clipped)
                if ctx.get(dut.write.enable):
                    self.memory[ctx.get(dut.write.address)] = ctx.get(dut.write.data)

            for settings, items in self.phases:
                for name in dut.settings.shape().members:
                    ctx.set(dut.settings[name], settings.get(name, 0))
                for beat, flit in items:
                    while rng.random() < 0.2:
                        await beat_of({}, rng.getrandbits(self.spec.link_width))
                    await beat_of(beat, flit)
                for _ in range(-(-max(Compute.settle(self.spec, self.interval).values()) // self.interval)):
                    await beat_of({}, 0)

        simulator = Simulator(with_lanes(self.dut, self.spec, self.interval))
        simulator.add_clock(1e-6)
        simulator.add_testbench(drive)
        simulator.run()

    def words(self, first: int, flits: int) -> torch.Tensor:
        """Singles of the memory."""
        lanes = range(self.spec.lanes)
        return torch.tensor(
            [self.memory[a] >> (32 * k) & 0xFFFFFFFF for a in range(first, first + flits) for k in lanes]
        )

    def put(self, first: int, singles: torch.Tensor) -> None:
        """The inverse."""
        for a, flit in enumerate(singles.reshape(-1, self.spec.lanes).tolist()):
            self.memory[first + a] = sum(word << (32 * k) for k, word in enumerate(flit))


def activations(bench: Bench, unit: Unit, rng: random.Random, inputs: int, factor: float) -> None:
    """Random codes, the way the host loads them."""
    spec = bench.spec
    top = (1 << (spec.activation_bits - 1)) - 1
    codes = np.array([rng.randint(-top, top) for _ in range(inputs)])
    single = code(factor)
    unit.load_activations(torch.from_numpy(codes), 0, single)
    raw = codes.astype(np.int8 if spec.activation_bits == 8 else np.int16).view(np.uint8)
    items = [({"kind": Beat.ACTIVATIONS, "index": k}, flit) for k, flit in enumerate(flits_of(raw, spec))]
    bench.phase(items, scale=single)


def rows(kind: Beat, raw: np.ndarray, flits: int, spec: Spec, address: int = 0) -> Iterator[Item]:
    """Beats of keys or values [tokens, bytes]."""
    for number, row in enumerate(raw):
        for k, flit in enumerate(flits_of(row, spec)):
            yield {
                "kind": kind, "first": k == 0, "last": k == flits - 1, "begin": number == 0,
                "final": number == len(raw) - 1, "index": k, "word": number % spec.lanes,
                "address": address + number // spec.lanes,
            }, flit  # fmt: skip


@INTERVALS
@pytest.mark.parametrize("name", SPECS)
def test_gemv(name: str, serial: bool, rng: random.Random) -> None:
    """Projections of rows that reach the limits, with exponents and factors of either size."""
    spec = SPECS[name]
    bench, unit, inputs, blocks = Bench(spec, rank=2, serial=serial), Unit(spec), 128, 3
    activations(bench, unit, rng, inputs, rng.choice([1e-3, 1.7, 4096.0]))
    values = np.random.default_rng(rng.getrandbits(32)).standard_normal((blocks * spec.lanes, inputs))
    weights = quantise(values, spec)
    stream = iter(flits_of(pack_weights(weights, spec), spec))
    per_group, width = 4 * 64 // spec.link_width, row_flits(inputs, spec)

    def beats() -> Iterator[Item]:
        for block in range(blocks):
            yield {"kind": Beat.SCALES}, next(stream)
            for k in range(group_flits(inputs, spec)):
                yield {"kind": Beat.GROUPS, "index": k}, next(stream)
            for word in range(spec.lanes):
                for k in range(width):
                    place = (word * width + k) // per_group
                    yield {
                        "kind": Beat.WEIGHTS, "first": k == 0, "last": k == width - 1, "word": word, "index": k,
                        "place": place, "address": 5 + block,
                    }, next(stream)  # fmt: skip

    bench.phase(beats(), stride=7)
    bench.run(rng)
    scales = floats.to_codes(torch.from_numpy(weights.scales))
    expected = unit.gemv(torch.from_numpy(weights.wide), scales)
    assert bench.words(5 + 2 * 7, blocks).tolist() == expected.tolist()


@INTERVALS
@pytest.mark.parametrize(
    ("name", "rank"), [("int8", 0), ("int8", 3), ("int4", 3), ("12-bit activations", 0), ("wide, int4", 3)]
)
def test_attention(name: str, rank: int, serial: bool, rng: random.Random) -> None:
    """Scores, their maximum, and the record; a rank above the root does not have the last token."""
    spec = SPECS[name]
    bench, unit, head, tokens, root = Bench(spec, rank, serial), Unit(spec), 64, 7, 1
    activations(bench, unit, rng, head, 0.01)
    cache = np.array([[rng.randint(-127, 127) for _ in range(head)] for _ in range(2 * tokens)])
    keys, values = cache[:tokens], cache[tokens:]
    flits = head // spec.flit_bytes
    scale = code(2e-2)
    bench.phase(rows(Beat.KEYS, keys.astype(np.int8), flits, spec), root=root, scale=scale)
    bench.phase(rows(Beat.VALUES, keys.astype(np.int8), flits, spec), root=root)  # leaves nothing behind
    bench.phase(rows(Beat.VALUES, values.astype(np.int8), flits, spec), root=root)
    record = [{"kind": Beat.RECORD, "first": 1, "address": 40}] + [
        {"kind": Beat.RECORD, "index": k // 4, "place": k % 4, "address": 41 + k} for k in range(4 * flits)
    ]
    bench.phase([(beat, 0) for beat in record])
    bench.run(rng)
    scores = unit.score(torch.from_numpy(keys), scale, rank > root)
    got = bench.words(0, -(-tokens // spec.lanes))
    assert got[:tokens].tolist() == scores.tolist()
    assert bench.words(40, 1 + 4 * flits).tolist() == unit.attend(scores, torch.from_numpy(values)).tolist()


@INTERVALS
@pytest.mark.parametrize("flits", [1, 2, 9])
def test_maximum(flits: int, serial: bool, rng: random.Random) -> None:
    """Of the scores in memory alone, whatever the last scores' was: the record's header has it."""
    spec = SPECS["int8"]
    bench, unit = Bench(spec, serial=serial), Unit(spec)
    activations(bench, unit, rng, 64, 1.0)
    keys = unit.codes[:64].numpy().astype(np.int8)[None]  # their product with themselves is far above all scores
    scale = code(1.0)
    bench.phase(rows(Beat.KEYS, keys, 8, spec, address=100), root=3, scale=scale)
    scores = floats.to_codes(torch.tensor([rng.gauss(-9, 2) for _ in range(flits * spec.lanes)]))
    bench.put(0, scores)
    bench.phase([({"kind": Beat.MAXIMUM, "begin": k == 0, "address": k}, 0) for k in range(flits)])
    bench.phase([({"kind": Beat.RECORD, "first": 1, "address": 40}, 0)])
    bench.run(rng)
    assert int(bench.words(40, 1)[0]) == largest(scores)


@INTERVALS
@pytest.mark.parametrize(
    ("name", "turned"),
    [
        *(("int8", turned) for turned in Turned),
        ("12-bit activations", Turned.NORMALISE),
        ("wide, int4", Turned.ACTIVATE),
        ("wide, int4", Turned.CACHE),
    ],
)
def test_turn(name: str, turned: Turned, serial: bool, rng: random.Random) -> None:
    """Rotary embedding to activations, which keys are then multiplied with, or to the cache, clipped."""
    spec = SPECS[name]
    rank, root, head = 1, 1, 64
    bench, unit = Bench(spec, rank, serial), Unit(spec)
    flits = head // spec.lanes
    numbers = torch.tensor([rng.gauss(0, 3) for _ in range(3 * head)])
    vector, own, other = floats.to_codes(numbers).reshape(3, head)
    header = floats.to_codes(torch.tensor([1.5, 37.25] + [0.0] * (spec.lanes - 2)))
    row = spec.constant_rows - flits
    unit.constants[row:, 0], unit.constants[row:, 1] = own.reshape(flits, -1), other.reshape(flits, -1)
    constants = torch.stack([own.reshape(flits, -1), other.reshape(flits, -1)], 1).numpy().astype("<u4")
    bench.phase(
        [
            ({"kind": Beat.CONSTANTS, "index": 2 * row + k}, f)
            for k, f in enumerate(flits_of(constants.view(np.uint8), spec))
        ]
    )
    bench.put(9, torch.cat([header, vector]))
    beats: list[Item] = [({"kind": Beat.DIVISOR, "address": 9}, 0)]
    beats += [
        ({"kind": Beat.VECTOR, "first": k == 0, "index": row + k, "place": k, "address": 10 + k}, 0)
        for k in range(flits)
    ]
    bench.phase(beats, turned=turned, root=root)
    codes: list[Item] = [
        ({"kind": Beat.CODES, "last": k % 4 == 3, "index": k, "place": k // 4, "address": 60 + k // 4}, 0)
        for k in range(flits)
    ]
    bench.phase(codes, turned=turned, root=root)
    keys = np.array([[rng.randint(-127, 127) for _ in range(head)] for _ in range(3)])
    one = code(1.0)
    if turned in (Turned.CACHE, Turned.CACHE_ALL):
        bench.run(rng)
        expected = unit.cache_codes(vector, row)
        got = b"".join(bench.memory[60 + k].to_bytes(spec.flit_bytes, "little") for k in range(head // spec.flit_bytes))
        assert np.frombuffer(got, np.int8).tolist() == expected.tolist()
        return
    bench.phase(rows(Beat.KEYS, keys.astype(np.int8), head // spec.flit_bytes, spec), root=3, scale=one)
    bench.run(rng)
    unit.activate(vector, row, int(header[1]) if turned == Turned.NORMALISE else None)
    assert bench.words(0, -(-3 // spec.lanes))[:3].tolist() == unit.score(torch.from_numpy(keys), one, False).tolist()
