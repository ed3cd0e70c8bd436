"""Bytes into memory and out of it, in words of every width."""

from __future__ import annotations

import random

import pytest

from fpga.link.memory_reader import MemoryReader
from fpga.link.memory_writer import MemoryWriter
from tests.hw.lib.bench import Bench, ticks

WIDTHS = (32, 128)


@pytest.mark.parametrize("width", WIDTHS)
def test_written_words(width: int) -> None:
    """Two runs, each from its own address on; the lowest byte of a word comes first."""
    dut, rng, word = MemoryWriter(width=width), random.Random(width), width // 8
    runs = {0x400: rng.randbytes(3 * word), 0x0: rng.randbytes(word)}
    bench = Bench(dut)

    async def drive(ctx) -> None:
        for address, data in runs.items():
            ctx.set(dut.address, address)
            ctx.set(dut.begin, 1)
            await ctx.tick()
            ctx.set(dut.begin, 0)
            for byte in data:
                ctx.set(dut.i.payload, byte)
                ctx.set(dut.i.valid, 1)
                while not (await ctx.tick().sample(dut.i.ready))[2]:
                    pass
                ctx.set(dut.i.valid, 0)
            while (await ctx.tick().sample(dut.busy))[2]:
                pass

    bench.process(drive)
    expected = [
        {"address": address + k, "data": int.from_bytes(data[k : k + word], "little"), "last": 1}
        for address, data in runs.items()
        for k in range(0, len(data), word)
    ]
    bench.sink(dut.write.request, expected, stall=0.5)
    bench.run()


@pytest.mark.parametrize("width", WIDTHS)
def test_read_bytes(width: int) -> None:
    """Every word is asked for once, and only while its bytes are wanted."""
    dut, rng, word = MemoryReader(width=width), random.Random(width), width // 8
    data = rng.randbytes(4 * word)
    bench = Bench(dut)
    asked: list[int] = []

    async def memory(ctx) -> None:
        request, response = dut.read.request, dut.read.response
        ctx.set(request.ready, 1)
        while True:
            _, _, valid, burst = await ctx.tick().sample(request.valid, request.payload)
            if not valid:
                continue
            asked.append(burst.address)
            await ticks(ctx, rng.randrange(4))
            place = burst.address - 0x80
            ctx.set(response.payload, {"data": int.from_bytes(data[place : place + word], "little"), "last": 1})
            ctx.set(response.valid, 1)
            while not (await ctx.tick().sample(response.ready))[2]:
                pass
            ctx.set(response.valid, 0)

    async def drive(ctx) -> None:
        ctx.set(dut.address, 0x80)
        ctx.set(dut.begin, 1)
        await ctx.tick()
        ctx.set(dut.begin, 0)
        left = len(data)
        while left:
            ctx.set(dut.wanted, 1)
            _, _, valid, ready = await ctx.tick().sample(dut.o.valid, dut.o.ready)
            left -= valid & ready
        ctx.set(dut.wanted, 0)

    bench.process(memory)
    bench.process(drive)
    bench.sink(dut.o, list(data), stall=0.4)
    bench.run()
    assert asked == list(range(0x80, 0x80 + len(data), word))
