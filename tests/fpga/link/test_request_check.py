"""The check of requests: every rule at its edge, for words of two widths and a memory of any size."""

from __future__ import annotations

import pytest
from amaranth.sim import Simulator

from fpga.link.protocol import DATA_BYTES, Command, Status
from fpga.link.request_check import RequestCheck

#: Command, bytes of payload, address, count, job under way, status; 16-byte words, 80 bytes of memory, last job 7.
CASES = (
    (Command.READ, 6, 64, 16, 0, Status.DONE),
    (Command.READ, 6, 64, 32, 0, Status.PLACE),
    (Command.READ, 6, 80, 16, 0, Status.PLACE),
    (Command.READ, 6, 0, 80, 0, Status.DONE),
    (Command.READ, 6, 0, DATA_BYTES, 0, Status.PLACE),
    (Command.READ, 6, 0xFFFF_FFF0, 16, 0, Status.PLACE),
    (Command.READ, 6, 4, 16, 0, Status.PLACE),
    (Command.READ, 6, 0, DATA_BYTES + 16, 0, Status.LENGTH),
    (Command.READ, 5, 0, 16, 0, Status.LENGTH),
    (Command.WRITE, 4 + 80, 0, 0, 0, Status.DONE),
    (Command.WRITE, 4 + 96, 0, 0, 0, Status.PLACE),
    (Command.WRITE, 3, 0, 0, 0, Status.LENGTH),
    (Command.WRITE, 4, 0, 0, 0, Status.LENGTH),
    (Command.WRITE, 4 + 15, 0, 0, 0, Status.LENGTH),
    (Command.WRITE, 4 + 16, 0, 0, 1, Status.BUSY),
    (Command.WRITE, 4 + 16, 4, 0, 1, Status.PLACE),
    (Command.START, 5, 64, 7, 1, Status.DONE),
    (Command.START, 5, 64, 8, 1, Status.BUSY),
    (Command.START, 5, 64, 8, 0, Status.DONE),
    (Command.START, 6, 64, 8, 0, Status.LENGTH),
    (Command.START, 5, 80, 8, 0, Status.PLACE),
    (Command.COUNTERS, 0, 0, 0, 0, Status.DONE),
    (Command.COUNTERS, 0, 0, 0, 1, Status.BUSY),
    (Command.STATUS, 0, 5, 5, 1, Status.DONE),
    (Command.RESET, 4, 0xFFFF_FFFF, 0, 1, Status.DONE),
    (Command.IDENTIFY, 1, 0, 0, 1, Status.LENGTH),
    (0, 0, 0, 0, 1, Status.UNKNOWN),
    (255, 0, 0, 0, 0, Status.UNKNOWN),
)


@pytest.mark.parametrize("order", [1, -1])
def test_every_rule(order: int) -> None:
    """Whatever was checked before."""
    dut = RequestCheck(width=128, memory_bytes=80)

    async def run(ctx) -> None:
        ctx.set(dut.job, 7)
        for command, length, address, count, running, status in CASES[::order]:
            ctx.set(dut.header, {"command": command, "length": length, "sequence": 0})
            ctx.set(dut.arguments, {"address": address, "count": count})
            ctx.set(dut.running, running)
            await ctx.tick().repeat(dut.settles)
            assert ctx.get(dut.status) == status, (command, length, address, count, running)

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(run)
    simulator.run()
