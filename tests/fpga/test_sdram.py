"""A board's SDRAM: what was written is what is read, and the chip never sees a command that it forbids."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from fpga.sdram import Sdram
from fpga.sdram_timing import SDRAM_32_MIB, SdramChip, SdramClocks
from golden.errors import InputError
from tests.fpga.sdram_chip import ACTIVE, MODE, REFRESH, BrokenRuleError, ChipModel
from tests.hw.lib.bench import Bench, ticks
from tests.hw.lib.simulate import refuses

#: Few rows, so that all are refreshed, and opened, within a short run. As many cycles as a run has refreshes for.
CHIP = replace(SDRAM_32_MIB, rows=16, columns=64, power_up=1000, refresh=16 * 7.8e3)
CLOCKS = CHIP.clocks(50)
#: Each of them is what is waited for somewhere: none hides behind another.
SLOW = SdramClocks(
    power_up=60, mode_to_activate=5, activate_to_column=6, activate_to_precharge=19, activate_to_activate=33,
    precharge_to_activate=7, write_to_precharge=9, refresh_to_activate=11, read_to_write=4, refresh_interval=200,
)  # fmt: skip
LASTS = 16 * 7.8e3 / 20


def bench_of(
    seed: int, *, width: int = 64, chip: SdramChip = CHIP, clocks: SdramClocks = CLOCKS,
    truth: SdramClocks | None = None, lasts: float = LASTS, deadline: int = 20_000,
) -> tuple[Sdram, Bench, ChipModel]:  # fmt: skip
    """The memory with `clocks`, at a chip that has those of `truth`."""
    dut = Sdram(width=width, chip=chip, clocks=clocks)
    bench = Bench(dut, seed=seed, deadline=deadline)
    truth = truth or clocks
    model = ChipModel(dut.pins, chip, truth, other_row=min(truth.activate_to_activate, 8), longest=5000, lasts=lasts)
    bench.process(model.run)
    return dut, bench, model


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


@pytest.mark.parametrize("shorter", [field.name for field in fields(SdramClocks)])
def test_every_time_is_kept_and_none_can_be_shorter(seed: int, shorter: str) -> None:
    """With the chip's own times nothing is wrong; a clock less of one, or a refresh later, is found under its name."""
    change = LASTS // 16 + 1 - SLOW.refresh_interval if shorter == "refresh_interval" else -1
    wrong = replace(SLOW, **{shorter: int(getattr(SLOW, shorter) + change)})
    dut, bench, _ = bench_of(seed, clocks=wrong, truth=SLOW, deadline=16_000)
    traffic(dut, bench, number=60, stall=0.3)
    rule = {"power_up": "power-up", "refresh_interval": "refresh comes too late"}.get(shorter, shorter)
    with pytest.raises(BrokenRuleError, match=rule):
        bench.run(drain=9000 if shorter == "refresh_interval" else 60)


def test_slow_times_are_kept(seed: int) -> None:
    dut, bench, model = bench_of(seed, clocks=SLOW, deadline=16_000)
    traffic(dut, bench, number=60, stall=0.3)
    bench.run(drain=7000)
    assert model.counts[REFRESH] > 16 + 8, "every row has been refreshed, and again"


@pytest.mark.parametrize("width", [64, 128])
def test_columns_move_in_every_cycle(seed: int, width: int) -> None:
    """A word comes every so many cycles as it has columns, over bursts, and 8 later where a refresh lies between."""
    dut, bench, _ = bench_of(seed, width=width, chip=replace(CHIP, columns=512), deadline=2000)
    bench.source(dut.read.request, [{"address": 0, "length": length} for length in (1, 64, 64)])
    log = bench.sink(dut.read.response, 129)
    bench.run()
    steps = [b - a for a, b in zip(log.cycles[1:], log.cycles[2:], strict=False)]
    # PRECHARGE, REFRESH 2 cycles later, ACTIVE 4 later, the next READ 2 later: 8 cycles without a column.
    columns, refreshes = width // 16, steps.count(width // 16 + 8)
    assert sorted(set(steps)) == [columns, columns + 8]
    assert refreshes == 127 * columns // CLOCKS.refresh_interval
    assert log.cycles[-1] - log.cycles[1] == 127 * columns + 8 * refreshes


@pytest.mark.parametrize("width", [64, 128])
def test_how_long_a_word_takes(seed: int, width: int) -> None:
    """Cycles from a request to its word: bank without an open row, row open, other row open."""
    dut, bench, _ = bench_of(seed, width=width)
    row = CHIP.banks * CHIP.columns * 2  # bytes between two rows of a bank
    places, asked = (0, 16, row, row + 16, 0), list[int]()
    request = dut.read.request
    log = bench.sink(dut.read.response, len(places))

    async def ask(ctx: Any) -> None:
        await ticks(ctx, 150)  # the power-up
        for address in places:
            ctx.set(request.payload, {"address": address, "length": 1})
            ctx.set(request.valid, 1)
            asked.append((await ctx.tick().sample(bench.cycle))[2])
            ctx.set(request.valid, 0)
            await ticks(ctx, 30)

    bench.process(ask)
    bench.run()
    some = width // 16 + 9
    assert [taken - at for at, taken in zip(asked, log.cycles, strict=True)] == [some + k for k in (1, 0, 3, 0, 3)]


def test_the_chip_of_a_board_at_its_clock() -> None:
    """At 50 MHz, as the sum of its data sheets says."""
    assert SDRAM_32_MIB.size == 32 << 20
    assert SDRAM_32_MIB.clocks(50) == SdramClocks(
        power_up=10_000, mode_to_activate=2, activate_to_column=2, activate_to_precharge=3, activate_to_activate=4,
        precharge_to_activate=2, write_to_precharge=2, refresh_to_activate=4, read_to_write=4, refresh_interval=390,
    )  # fmt: skip


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


async def send(ctx: Any, port: Any, payload: dict[str, int]) -> None:
    """Until it is taken."""
    ctx.set(port.payload, payload)
    ctx.set(port.valid, 1)
    while not (await ctx.tick().sample(port.ready))[2]:
        pass
    ctx.set(port.valid, 0)


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


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rows": 24}, "an SDRAM's rows must be a power of two of 2 to 8192, there are 24"),
        ({"columns": 2048}, "an SDRAM's columns must be a power of two of 2 to 1024, there are 2048"),
        ({"precharge": 0}, "an SDRAM's precharge must be above 0, it is 0"),
        ({"other_row": 90}, "an SDRAM's other_row of 90 ns must be within row_cycle, 66 ns"),
        ({"row_longest": 8e3}, "an SDRAM's rows may be open for 8000.0 ns, which two refreshes must be within"),
    ],
)
def test_an_impossible_chip_is_refused(change: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=f"^{message}$"):
        replace(CHIP, **change)


def test_a_clock_or_a_word_that_does_not_go_with_the_chip_is_refused() -> None:
    with pytest.raises(InputError, match=r"^an SDRAM of CAS latency 2 takes 100 MHz at most, not 120 MHz$"):
        CHIP.clocks(120)
    refuses(
        "an SDRAM's row of 64 columns must hold two words of 1024 bits",
        lambda: Sdram(width=1024, chip=CHIP, clocks=CLOCKS),
    )
    refuses(
        "an SDRAM's refreshes, 20 cycles apart, must leave a word its 27 cycles",
        lambda: Sdram(width=64, chip=CHIP, clocks=replace(CLOCKS, refresh_interval=20)),
    )
