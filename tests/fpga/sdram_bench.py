"""An SDRAM's controller at a chip, between streams, and traffic for it."""

# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fpga.sdram import Sdram
from fpga.sdram_timing import SDRAM_32_MIB, SdramChip, SdramClocks
from tests.fpga.sdram_chip import ChipModel
from tests.hw.lib.bench import Bench

#: Few rows, so that a short run opens all of them, and refreshes them too.
CHIP = replace(SDRAM_32_MIB, rows=16, columns=64, power_up=1000, refresh=16 * 7.8e3)
CLOCKS = CHIP.clocks(50)
LASTS = 16 * 7.8e3 / 20  # cycles of 50 MHz in which all rows must be refreshed


def model_of(pins: Any, chip: SdramChip = CHIP, clocks: SdramClocks = CLOCKS) -> ChipModel:
    """A chip at a controller's pins."""
    other_row = min(clocks.activate_to_activate, 8)
    return ChipModel(pins, chip, clocks, other_row=other_row, longest=5000, lasts=LASTS)


def bench_of(
    seed: int, *, width: int = 64, chip: SdramChip = CHIP, clocks: SdramClocks = CLOCKS,
    truth: SdramClocks | None = None, deadline: int = 20_000,
) -> tuple[Sdram, Bench, ChipModel]:  # fmt: skip
    """The memory with `clocks`, at a chip that has those of `truth`, or the same."""
    dut = Sdram(width=width, chip=chip, clocks=clocks)
    bench = Bench(dut, seed=seed, deadline=deadline)
    model = model_of(dut.pins, chip, truth or clocks)
    bench.process(model.run)
    return dut, bench, model


async def send(ctx: Any, port: Any, payload: dict[str, int]) -> None:
    """Until it is taken."""
    ctx.set(port.payload, payload)
    ctx.set(port.valid, 1)
    while not (await ctx.tick().sample(port.ready))[2]:
        pass
    ctx.set(port.valid, 0)


def traffic(dut: Sdram, bench: Bench, *, number: int, stall: float, spread: int | None = None) -> None:
    """Words written at random, and bursts read, each asked for as soon as the words before it were taken.

    A read may come after later writes too: they go first. So what it asks for is not written again.
    """
    random, step = bench.random, dut.width // 8
    words = spread or dut.chip.size // step
    held: dict[int, int] = {}
    script: list[tuple[str, dict[str, int]]] = []
    expected: list[dict[str, int]] = []
    free = list(range(words))
    for _ in range(number):
        length = random.choice((1, 1, 2, 5, 9))
        first = random.choice(free[:-length])
        burst = range(first, first + length)
        for place in random.sample(burst, length):
            if place not in held:
                held[place] = random.getrandbits(dut.width)
                script.append(("write", {"address": place * step, "data": held[place], "last": 1}))
        script.append(("read", {"address": first * step, "length": length}))
        expected += [{"data": held[place], "last": int(place == burst[-1])} for place in burst]

    async def play(ctx: Any) -> None:
        for port, payload in script:
            while bench.stall(stall):
                await ctx.tick()
            await send(ctx, getattr(dut, port).request, payload)

    bench.process(play)
    # A sink that stalls is slower than the chip, so that responses pile up.
    bench.sink(dut.read.response, expected, stall=1 - 16 / (3 * dut.width) if stall else 0)
