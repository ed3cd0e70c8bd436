"""The order of regions, whatever time each step takes."""

from __future__ import annotations

from typing import Any

import pytest

from hw.chips.lumina.config import tiny
from hw.chips.lumina.region_flow import RegionFlow
from tests.hw.lib.bench import Bench, Log

COLUMNS, ROWS, ROOM = 3, 2, 64 * 17


@pytest.mark.parametrize("longest", [1, 40])
def test_a_frame(longest: int, seed: int) -> None:
    """Each region is restored twice, open, filled and saved, with its own addresses and size; no save begins in
    another, nothing is handed out while pixels go in."""
    config = tiny()
    dut = RegionFlow(config=config)
    bench = Bench(dut, seed=seed)
    rng = bench.random
    end = Log("jobs", count=1)
    bench.logs.append(end)
    steps: list[tuple[Any, ...]] = []
    opened: list[tuple[int, ...]] = []
    job = {"columns": COLUMNS, "rows": ROWS, "last_width": 5, "last_height": 9, "read_address": 1 << 12,
           "write_address": 1 << 20, "room_bytes": ROOM, "frame_address": 77, "read_bytes": 0, "identity": 3,
           "spare": 0}  # fmt: skip

    async def drive(ctx: Any) -> None:
        ctx.set(dut.start, 1)
        ctx.set(dut.loading, 1)
        await ctx.tick()
        ctx.set(dut.start, 0)
        left = {"restoring": 0, "filling": 0, "saving": 0, "loading": longest}
        tiles, was_open = 0, 0
        looks = 0  # what is restored is for look-ups
        while True:
            for name, cycles in left.items():
                ctx.set(getattr(dut, name), cycles > 0)
            if left["loading"] == 0:
                ctx.set(dut.job, job)
            taken = bool(ctx.get(dut.takes)) and tiles < dut.tiles and rng.random() < 0.5
            ctx.set(dut.taken, taken)
            names = ("draw", "restore", "open", "takes", "fill", "save", "busy", "looks")
            ports = [getattr(dut, name) for name in names]
            more = (dut.odd, dut.size.width, dut.size.height, dut.read_address, dut.write_address)
            _, _, *got = await ctx.tick().sample(*ports, *more)
            draw, restore, open_, takes, fill, save, busy, looking, odd, width, height, read, write = got
            assert looking == (looks if left["restoring"] else looking)
            left = {name: max(cycles - 1, 0) for name, cycles in left.items()}
            if not busy:
                break
            assert not takes or (open_ and not left["filling"])
            steps.extend([("draw",)] * draw)
            if restore:
                assert left["restoring"] == 0
                steps.append(("look" if looking else "restore", read))
                left["restoring"], looks = rng.randint(1, longest), looking
            if open_ and not was_open:
                assert left["restoring"] == 0
                opened.append((odd, width, height))
            was_open = open_
            tiles += taken
            if fill:
                assert tiles == dut.tiles
                assert left["restoring"] == 0
                steps.append(("fill",))
                left["filling"], tiles = rng.randint(1, longest), 0
            if save:
                assert left["saving"] == 0
                assert left["filling"] == 0
                steps.append(("save", write))
                left["saving"] = rng.randint(1, 3 * longest)
        assert left["saving"] == 0
        end.values.append(1)

    bench.process(drive)
    bench.run()
    regions = COLUMNS * ROWS
    expected: list[tuple[Any, ...]] = [("draw",), ("look", 1 << 12)]
    for k in range(regions):
        expected += [("restore", (1 << 12) + k * ROOM), ("fill",)]
        expected += [("look", (1 << 12) + (k + 1) * ROOM)] * (k < regions - 1)
        expected += [("save", (1 << 20) + k * ROOM)]
    assert steps == expected
    sizes = [(5 if k % COLUMNS == COLUMNS - 1 else 16, 9 if k // COLUMNS == ROWS - 1 else 16) for k in range(regions)]
    assert opened == [(k % 2, *size) for k, size in enumerate(sizes)]
