"""A board's memory: what an engine wrote is what it reads, under any stalls."""

from __future__ import annotations

from typing import Any

import pytest

from fpga.block_ram import BlockRam
from tests.hw.lib.bench import Bench

WIDTH, WORDS = 64, 32


def ram(init: list[int] | None = None) -> BlockRam:
    return BlockRam(width=WIDTH, words=WORDS, init=init or [])


def word(address: int, data: int) -> dict[str, int]:
    return {"address": address, "data": data, "last": 1}


@pytest.mark.parametrize("stall", [0.0, 0.5])
def test_bursts_of_what_it_holds_at_power_up(seed: int, stall: float) -> None:
    init = [0x1000 + k for k in range(20)]
    dut = ram(init)
    bench = Bench(dut, seed=seed)
    bursts = [(0, 1), (5, 7), (31, 1), (16, 16), (0, 32)]
    held = [*init, *[0] * 12]
    bench.source(dut.read.request, [{"address": 8 * k, "length": n} for k, n in bursts], stall=stall)
    expected = [{"data": held[k + i], "last": int(i == n - 1)} for k, n in bursts for i in range(n)]
    log = bench.sink(dut.read.response, expected, stall=stall)
    bench.run()
    if not stall:
        assert log.cycles[-1] - log.cycles[-32] == 31, "a burst moves a word a cycle"


@pytest.mark.parametrize("stall", [0.0, 0.5])
def test_a_read_behind_a_write_sees_it(seed: int, stall: float) -> None:
    """Each word is asked for in the cycle after it was taken, while others are written."""
    dut = ram()
    bench = Bench(dut, seed=seed)
    random = bench.random
    writes = [word(8 * random.randrange(WORDS), random.getrandbits(WIDTH)) for _ in range(200)]
    seen: list[tuple[int, int]] = []

    async def ask(ctx: Any) -> None:
        memory: dict[int, int] = {}
        request = dut.read.request
        for number, write in enumerate(writes):
            ctx.set(dut.write.request.payload, write)
            ctx.set(dut.write.request.valid, 1)
            while not ctx.get(dut.write.request.ready):
                await ctx.tick()
            await ctx.tick()
            ctx.set(dut.write.request.valid, 0)
            memory[write["address"]] = write["data"]
            if number % 3 == 0:
                ctx.set(request.payload, {"address": write["address"], "length": 1})
                ctx.set(request.valid, 1)
                while not ctx.get(request.ready):
                    await ctx.tick()
                await ctx.tick()
                ctx.set(request.valid, 0)
                seen.append((write["data"], 1))

    bench.process(ask)
    log = bench.sink(dut.read.response, 67, stall=stall)
    bench.run()
    # A later write may have come before an earlier read was served: only then another word is right.
    assert [value["data"] for value in log.values] == [data for data, _ in seen]


def test_an_address_beyond_the_end_is_a_fault(seed: int) -> None:
    for request, port in (({"address": 8 * 30, "length": 3}, "read"), (word(8 * 32, 1), "write")):
        dut = ram()
        bench = Bench(dut, seed=seed)
        bench.source(getattr(dut, port).request, [request])
        if port == "read":
            bench.sink(dut.read.response, 3)
        faults: list[int] = []

        async def watch(ctx: Any, dut: BlockRam = dut, faults: list[int] = faults) -> None:
            while True:
                faults.append(ctx.get(dut.fault))
                await ctx.tick()

        bench.process(watch)
        bench.run()
        assert not faults[0]
        assert faults[-1], port


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"words": 24}, "words must be a power of two of at least 2, it is 24"),
        ({"words": 4, "init": [1] * 5}, "init must have at most 4 words, it has 5"),
    ],
)
def test_bad_sizes_are_refused(settings: dict[str, Any], message: str) -> None:
    class Refused(BlockRam):
        _MustUse__silence = True  # it is never elaborated

    with pytest.raises(ValueError, match=message):
        Refused(width=WIDTH, **settings)
