from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from amaranth.hdl import Elaboratable, Module
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from hw.generate import generate
from hw.lib.catalogue import catalogue
from hw.lib.memory import open_collisions, two_port_memory
from hw.yosys import run_yosys


class Storage(wiring.Component):
    """Two memories of the same ports, of which one is marked."""

    def __init__(self) -> None:
        super().__init__({"write": In(4), "data": In(8), "read": In(4), "en": In(1), "o": Out(8), "plain": Out(8)})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.plain = plain = Memory(shape=8, depth=16, init=[])
        pairs = [(plain.write_port(), plain.read_port()), two_port_memory(m, platform, "marked", width=8, depth=16)]
        for (write, read), o in zip(pairs, (self.plain, self.o), strict=True):
            m.d.comb += [
                write.addr.eq(self.write),
                write.data.eq(self.data),
                write.en.eq(1),
                read.addr.eq(self.read),
                read.en.eq(self.en),
                o.eq(read.data),
            ]
        return m


def test_reads_one_cycle_later_and_holds() -> None:
    dut = Storage()

    async def run(ctx: Any) -> None:
        for row in range(16):
            ctx.set(dut.write, row)
            ctx.set(dut.data, 3 * row)
            ctx.set(dut.en, row > 0)
            ctx.set(dut.read, row - 1)
            await ctx.tick()
            assert ctx.get(dut.o) == 3 * max(row - 1, 0)
        ctx.set(dut.en, 0)
        ctx.set(dut.read, 3)
        await ctx.tick()
        assert ctx.get(dut.o) == 3 * 14

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(run)
    simulator.run()


class Meeting(wiring.Component):
    """A memory whose ports may meet, as a proof sees it."""

    def __init__(self) -> None:
        super().__init__({"row": In(4), "write": In(1), "o": Out(8)})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        write, read = two_port_memory(m, "formal", "met", width=8, depth=16, init=[5] * 16, meet=True)
        m.d.comb += [write.addr.eq(self.row), write.data.eq(7), write.en.eq(self.write)]
        m.d.comb += [read.addr.eq(self.row), read.en.eq(1), self.o.eq(read.data)]
        return m


def test_where_ports_meet_a_proof_reads_neither_word() -> None:
    dut = Meeting()
    seen: list[int] = []

    async def run(ctx: Any) -> None:
        for write in (0, 1, 0):
            ctx.set(dut.row, 3)
            ctx.set(dut.write, write)
            await ctx.tick()
            seen.append(ctx.get(dut.o))

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(run)
    simulator.run()
    assert (seen[0], seen[2]) == (5, 7)
    assert seen[1] not in (5, 7)


def test_only_marked_memories_are_changed() -> None:
    before = generate(Storage(), "storage").rtlil
    after = open_collisions(before)
    changed = [(a, b) for a, b in zip(before.splitlines(), after.splitlines(), strict=True) if a != b]
    assert [(a.split(), b.split()) for a, b in changed] == [
        (["parameter", "\\COLLISION_X_MASK", "1'0"], ["parameter", "\\COLLISION_X_MASK", "1'1"])
    ]
    cells = re.findall(r"cell \$memrd_v2 .*?end", after, re.DOTALL)
    assert {("marked" in cell, "\\COLLISION_X_MASK 1'1" in cell) for cell in cells} == {(True, True), (False, False)}


def test_a_queue_is_block_ram_and_little_else(tmp_path: Path) -> None:
    source = tmp_path / "queue.il"
    source.write_text(open_collisions(generate(catalogue()["stream_queue"](), "queue").rtlil))
    printed = run_yosys([f"read_rtlil {source}", "synth_ecp5 -top queue", "stat"])
    cells = {
        kind: int(number)
        for number, kind in re.findall(r"(?m)^\s+(\d+)\s+(\w+)$", printed.split("Printing statistics")[-1])
    }
    assert cells["DP16KD"] == 2
    assert cells["TRELLIS_FF"] == 27  # two places, two counts and valid
