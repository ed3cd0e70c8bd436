"""An SDRAM's times: each is kept, none is kept for too long, and what they cost."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from fpga.sdram import Sdram
from fpga.sdram_timing import SDRAM_32_MIB, SdramClocks
from golden.errors import InputError
from tests.fpga.sdram_bench import CHIP, CLOCKS, LASTS, bench_of, traffic
from tests.fpga.sdram_chip import REFRESH, BrokenRuleError
from tests.hw.lib.bench import ticks
from tests.hw.lib.simulate import refuses

#: Each of them is what is waited for somewhere: none hides behind another.
SLOW = SdramClocks(
    power_up=60, mode_to_activate=5, activate_to_column=6, activate_to_precharge=19, activate_to_activate=33,
    precharge_to_activate=7, write_to_precharge=9, refresh_to_activate=11, read_to_write=4, refresh_interval=200,
)  # fmt: skip


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
