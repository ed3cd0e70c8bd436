"""Saved caches: what is written, what is loaded, and what never is."""

from __future__ import annotations

import random
import zlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Value
from amaranth.sim import Simulator

from golden.radiance.cache import RegionCache, empty_cache, frame
from golden.radiance.memory_map import LINE_BYTES
from golden.radiance.saved import refusal, save
from golden.radiance.spec import TINY, Spec
from golden.rows import Bytes
from hw.lib.fields import unpack_nested
from hw.radiance.checksum import Checksum
from hw.radiance.config import Config, tiny
from hw.radiance.layouts import SetLayout
from hw.radiance.restore_unit import RestoreUnit
from hw.radiance.save_unit import SaveUnit
from tests.hw.lib.bench import Bench
from tests.hw.lib.memory_model import MemoryModel, WriteMemory
from tests.hw.radiance.caches import random_pixels, rows

BASE, IDENTITY = 1 << 12, 0xABCDEF01
#: Rows of two words, of one, and two in one.
CONFIGS = {str(width): replace(tiny(), memory_width=width) for width in (128, 256, 512)}


def cache_of(spec: Spec, seed: int) -> RegionCache:
    """A cache that a frame has left."""
    return frame(spec, empty_cache(spec), *random_pixels(spec, 100, 60, seed))[1]


@pytest.mark.parametrize("width", [32, 128, 512])
def test_checksum(width: int, seed: int) -> None:
    """zlib's, whatever stood there before and however many cycles lie between words."""
    dut = Checksum(width=width)
    rng = random.Random(seed)

    async def drive(ctx: Any) -> None:
        for length in (0, 1, 7):
            ctx.set(dut.valid, 1)  # words just before and beside `clear` do not count
            ctx.set(dut.data, rng.getrandbits(width))
            ctx.set(dut.clear, 0)
            await ctx.tick()
            ctx.set(dut.clear, 1)
            await ctx.tick()
            ctx.set(dut.clear, 0)
            ctx.set(dut.valid, 0)
            whole = b""
            for _ in range(length):
                word = rng.getrandbits(width)
                whole += word.to_bytes(width // 8, "little")
                ctx.set(dut.data, word)
                ctx.set(dut.valid, 1)
                await ctx.tick()
                ctx.set(dut.valid, 0)
                ctx.set(dut.data, rng.getrandbits(width))
                for _ in range(rng.randrange(3)):
                    await ctx.tick()
            for _ in range(Checksum.latency - 1):
                await ctx.tick()
            assert ctx.get(dut.o) == zlib.crc32(whole)

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(drive)
    simulator.run()


@pytest.mark.parametrize("width", CONFIGS)
@pytest.mark.parametrize("stall", [0.0, 0.4])
def test_what_is_written(width: str, stall: float, seed: int) -> None:
    """The model's image, twice; its header is cleared first and comes last."""
    config = CONFIGS[width]
    spec, size = config.spec, config.word_bytes
    cache = cache_of(spec, seed)
    image = save(spec, cache, 0, IDENTITY)
    held = rows(spec, cache)
    dut = SaveUnit(config=config)
    bench = Bench(dut, seed=seed)
    words = 2 + (len(image) - LINE_BYTES) // size
    memory = WriteMemory(bench, dut.write, 2 * words, stall=stall)

    async def serve(ctx: Any) -> None:
        while True:
            _, _, valid, place, free = await ctx.tick().sample(dut.dump.valid, dut.dump.set, dut.free)
            if valid:
                assert place >= free
                ctx.set(dut.row, held[place])
            else:
                ctx.set(Value.cast(dut.row), bench.random.getrandbits(SetLayout(spec).size))

    async def run(ctx: Any) -> None:
        ctx.set(dut.identity, IDENTITY)
        for _ in range(2):
            ctx.set(dut.start, 1)
            ctx.set(dut.address, BASE)
            await ctx.tick()
            ctx.set(dut.start, 0)
            ctx.set(dut.address, bench.random.getrandbits(32))
            while ctx.get(dut.busy):
                await ctx.tick()

    bench.process(serve)
    bench.process(run)
    bench.run()
    written = memory.words()
    for part in (written[:words], written[words:]):
        assert part[0][:2] == (BASE, 0)
        assert part[-1][:2] == (BASE, int.from_bytes(image[:size].tobytes(), "little"))
        found = np.zeros_like(image)
        for count, (address, word, _) in enumerate(part):
            assert count == words - 1 or refusal(spec, found, IDENTITY)  # not valid before its last word
            found[address - BASE :][:size] = np.frombuffer(word.to_bytes(size, "little"), np.uint8)
        assert (found == image).all()


def loaded(config: Config, image: Bytes, length: int, seed: int, stall: float = 0.0) -> tuple[list[Any], int]:
    """What every set holds after the image of that length was restored, and how often one was refused."""
    dut = RestoreUnit(config=config)
    bench = Bench(dut, seed=seed)
    size = config.word_bytes

    def contents(address: int) -> int:
        return int.from_bytes(image[address - BASE :][:size].tobytes(), "little")

    MemoryModel(bench, dut.memory, latency=5, stall=stall, contents=contents)
    held: list[Any] = [None] * config.spec.sets
    refused = 0

    async def run(ctx: Any) -> None:
        nonlocal refused
        ctx.set(dut.address, BASE)
        ctx.set(dut.length, length)
        free = bench.random.randrange(config.spec.sets) if stall else config.spec.sets
        ctx.set(dut.identity, IDENTITY)
        ctx.set(dut.start, 1)
        busy = True
        while busy:
            ctx.set(dut.free, free)
            _, _, valid, place, row, wrong = await ctx.tick().sample(
                dut.load.valid, dut.load.set, Value.cast(dut.load.row), dut.refused
            )
            ctx.set(dut.start, 0)
            refused += wrong
            if valid:
                assert place < free
                held[place] = unpack_nested(row, SetLayout(config.spec))
            free = min(free + bench.stall(stall), config.spec.sets)
            busy = ctx.get(dut.busy)

    bench.process(run)
    bench.run(drain=600)
    return held, refused


@pytest.mark.parametrize("width", CONFIGS)
@pytest.mark.parametrize("stall", [0.0, 0.4])
def test_what_is_loaded(width: str, stall: float, seed: int) -> None:
    """Every set of a whole image; no image leaves every set empty, and that is no refusal."""
    config = CONFIGS[width]
    cache = cache_of(config.spec, seed)
    image = save(config.spec, cache, 0, IDENTITY)
    assert loaded(config, image, len(image), seed, stall) == (rows(config.spec, cache), 0)
    assert loaded(config, image, 0, seed, stall) == (rows(config.spec, empty_cache(config.spec)), 0)


@pytest.mark.parametrize(
    "damage", ["truncated", "longer", "magic", "version", "geometry", "identity", "checksum", "first row", "last row"]
)
def test_what_is_refused(damage: str, seed: int) -> None:
    """The model refuses it too; every set is empty, whatever was loaded on the way."""
    config = CONFIGS["128"]
    image = save(config.spec, cache_of(config.spec, seed), 0, IDENTITY)
    places = {"magic": 0, "version": 4, "geometry": 5, "identity": 8, "checksum": 12, "first row": 64, "last row": -1}
    length = len(image) + {"truncated": -32, "longer": 32}.get(damage, 0)
    if damage in places:
        image[places[damage]] ^= 1
        assert refusal(config.spec, image, IDENTITY)
    assert loaded(config, image, length, seed) == (rows(config.spec, empty_cache(config.spec)), 1)


def test_an_image_of_another_key_is_refused(seed: int) -> None:
    """Rows of the same size, made by another rule."""
    other = replace(TINY, record_length=2)
    image = save(other, cache_of(other, seed), 0, IDENTITY)
    assert loaded(CONFIGS["128"], image, len(image), seed)[1] == 1
