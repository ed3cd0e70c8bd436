"""Who starts whom: order, what each start waits for, and the end of a step that fails."""

from __future__ import annotations

from typing import Any

import pytest

from golden.chips.decode.memory_map import HEADER, HEADER_BYTES
from golden.rows import pack
from hw.chips.decode.step_sequencer import StepSequencer
from tests.hw.chips.layers import SMALL
from tests.hw.lib.bench import Bench, ticks
from tests.hw.lib.byte_memory import ByteMemory

FIELDS = {
    "project_address": 256, "scan_address": 512, "template_address": 1024, "codes_address": 2048,
    "rows_address": 3072, "records_address": 4096, "records_stride": 512, "attend_address": 8192,
    "attend_stride": 640, "selected": 7,
}  # fmt: skip
HEADS = SMALL.spec.kv.heads


@pytest.mark.parametrize("failing", [None, 0, 1])
def test_order(failing: int | None, seed: int) -> None:
    """A start comes after the end of what it needs and once the memory is settled; the program that fails is the last.

    Args:
        failing: number of the program that does not end well.
    """
    dut = StepSequencer(config=SMALL)
    bench = Bench(dut, seed=seed)
    content = bytes(128) + pack(HEADER, FIELDS, HEADER_BYTES).tobytes()
    ByteMemory(bench, dut.memory, content, latency=4)
    seen: list[tuple[str, int]] = []
    ends: list[bool] = []

    async def unsettled(ctx: Any) -> None:
        """What an engine leaves behind is on its way to memory for some cycles."""
        ctx.set(dut.settled, 0)
        for _ in range(1 + bench.random.randrange(4)):
            assert not (ctx.get(dut.nodes_start) | ctx.get(dut.rows_start) | ctx.get(dut.scan_start))
            await ctx.tick()
        ctx.set(dut.settled, 1)

    async def surroundings(ctx: Any) -> None:
        ctx.set(dut.settled, 1)
        programs = 0
        while True:
            _, _, nodes, where, rows, scan = await ctx.tick().sample(
                dut.nodes_start, dut.nodes_address, dut.rows_start, dut.scan_start
            )
            if nodes:
                seen.append(("nodes", where))
                await ticks(ctx, 5)
                ctx.set(dut.nodes_failed, programs == failing)
                ctx.set(dut.nodes_ended, 1)
                ctx.set(dut.settled, 0)
                await ctx.tick()
                ctx.set(dut.nodes_ended, 0)
                await unsettled(ctx)
                programs += 1
            if rows:
                seen.append(("rows", 0))
                ctx.set(dut.rows_busy, 1)
                await ticks(ctx, 5)
                ctx.set(dut.settled, 0)
                ctx.set(dut.rows_busy, 0)
                await unsettled(ctx)
            if scan:
                seen.append(("scan", 0))
                ctx.set(dut.scan_busy, 1)

    async def records(ctx: Any) -> None:
        """Heads come one by one; the scan ends some time behind the last."""
        while ("scan", 0) not in seen:
            await ctx.tick()
        for head in range(HEADS):
            await ticks(ctx, 30)
            assert len([s for s in seen if s[0] == "nodes"]) <= 1 + head
            seen.append(("head", head))
            ctx.set(dut.records_done, head + 1)
            ctx.set(dut.settled, 0)
            for _ in range(5):
                await ctx.tick()
                assert not ctx.get(dut.nodes_start)
            ctx.set(dut.settled, 1)
        await ticks(ctx, 80)
        assert ctx.get(dut.busy)
        ctx.set(dut.scan_busy, 0)

    async def start(ctx: Any) -> None:
        ctx.set(dut.address, 128)
        ctx.set(dut.start, 1)
        await ctx.tick()
        ctx.set(dut.start, 0)
        while ctx.get(dut.busy):
            await ctx.tick()
        ends.append(True)

    for process in (start, surroundings, records):
        bench.process(process)
    bench.run(drain=400)
    assert ends
    nodes = [where for what, where in seen if what == "nodes"]
    attend = [FIELDS["attend_address"] + k * FIELDS["attend_stride"] for k in range(HEADS)]
    if failing == 0:
        assert seen == [("nodes", FIELDS["project_address"])]
        return
    assert nodes == [FIELDS["project_address"], *attend[: 1 if failing == 1 else HEADS]]
    assert [what for what, _ in seen if what != "head"][:4] == ["nodes", "rows", "scan", "nodes"]
    for head, address in enumerate(nodes[1:]):
        assert seen.index(("head", head)) < seen.index(("nodes", address))
