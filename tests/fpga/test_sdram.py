"""A board's SDRAM: what was written is what is read, and the chip never sees a command that it forbids."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fpga.sdram_bench import CHIP, bench_of, send, traffic
from tests.fpga.sdram_chip import ACTIVE, MODE, REFRESH


@pytest.mark.parametrize("width", [32, 64, 128, 256, 512])
@pytest.mark.parametrize("stall", [0.0, 0.6])
def test_what_was_written_is_read(seed: int, width: int, stall: float) -> None:
    """All over the chip, so that rows change; refreshed meanwhile, with responses held back."""
    dut, bench, model = bench_of(seed, width=width)
    traffic(dut, bench, number=80 if width < 256 else 30, stall=stall)
    bench.run(drain=60)
    assert model.counts[ACTIVE] > 30
    assert model.counts[REFRESH] > 8 + 2


def test_a_row_stays_open(seed: int) -> None:
    """Two rows' worth of words of two banks: each row is opened once, and once more after a refresh."""
    dut, bench, model = bench_of(seed)
    traffic(dut, bench, number=60, stall=0.0, spread=32)
    bench.run()
    refreshes = model.counts[REFRESH] - 8
    assert model.counts[ACTIVE] <= 2 * (1 + refreshes)


@pytest.mark.parametrize(
    ("request_", "port"),
    [({"address": CHIP.size - 8, "length": 2}, "read"), ({"address": CHIP.size, "data": 1, "last": 1}, "write")],
)
def test_an_address_beyond_the_end_is_a_fault(seed: int, request_: dict[str, int], port: str) -> None:
    """What is written there is dropped: nothing is, neither there nor elsewhere."""
    dut, bench, model = bench_of(seed)
    bench.source(getattr(dut, port).request, [request_])
    bench.sink(dut.read.response, 2 if port == "read" else 0)
    faults: list[int] = []

    async def watch(ctx: Any) -> None:
        while True:
            faults.append((await ctx.tick().sample(dut.fault))[2])

    bench.process(watch)
    bench.run(drain=200)
    assert not faults[0]
    assert faults[-1]
    assert not model.data


def test_a_burst_up_to_the_end_is_none(seed: int) -> None:
    dut, bench, _ = bench_of(seed)
    bench.source(dut.read.request, [{"address": CHIP.size - 16, "length": 2}])
    bench.sink(dut.read.response, 2)

    async def watch(ctx: Any) -> None:
        while True:
            assert not (await ctx.tick().sample(dut.fault))[2]

    bench.process(watch)
    bench.run()


def test_the_last_of_several_writes_is_read(seed: int) -> None:
    """Few words of two rows of a bank, written over and over; a read follows at once and is waited for."""
    dut, bench, _ = bench_of(seed)
    row = CHIP.banks * CHIP.columns * 2
    places = (0, 8, row, row + 8)
    held = dict.fromkeys(places, 0)
    script = [[(bench.random.choice(places), bench.random.getrandbits(64)) for _ in range(3)] for _ in range(60)]
    expected: list[dict[str, int]] = []
    for writes in script:
        held |= dict(writes)
        expected.append({"data": held[writes[0][0]], "last": 1})
    log = bench.sink(dut.read.response, expected)

    async def play(ctx: Any) -> None:
        for number, writes in enumerate(script):
            for address, data in writes:
                await send(ctx, dut.write.request, {"address": address, "data": data, "last": 1})
            await send(ctx, dut.read.request, {"address": writes[0][0], "length": 1})
            while len(log.values) <= number:
                await ctx.tick()

    bench.process(play)
    bench.run()


def test_a_reset_in_the_middle_of_anything(seed: int) -> None:
    """While words are written: the chip is powered up again, and serves."""
    dut, bench, model = bench_of(seed)
    bench.sink(dut.read.response, [{"data": 7, "last": 1}])

    async def play(ctx: Any) -> None:
        for place in range(8):
            await send(ctx, dut.write.request, {"address": 1024 * place, "data": place, "last": 1})
        ctx.set(bench.reset, 1)
        await ctx.tick()
        ctx.set(bench.reset, 0)
        await send(ctx, dut.write.request, {"address": 64, "data": 7, "last": 1})
        await send(ctx, dut.read.request, {"address": 64, "length": 1})

    bench.process(play)
    bench.run()
    assert model.counts[MODE] == 2
    assert model.counts[ACTIVE] > 4
