"""A public design beside the area that its authors' flow has published for it."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from amaranth.sim import Simulator

from hw.generate import generate
from sim.estimate.mapping import map_block
from sim.estimate.technology import named
from tests.sim.estimate.single_cycle_core import (
    AUIPC,
    BRANCH,
    IMMEDIATE,
    JAL,
    JALR,
    LOAD,
    LUI,
    REGISTER,
    STORE,
    SingleCycleCore,
)

#: µm² after synthesis: `synth__design__instance__area__stdcell` of flow/designs/*/riscv32i/metadata-base-ok.json in
#: OpenROAD-flow-scripts (sky130hd at commit 009093e, ihp-sg13g2 at 0d5df7b, asap7 at 05f9faa);
#: asap7's holds four macros of 1,123.58 in all.
PUBLISHED = {"sky130": 61667.8944, "ihp": 137047.3398, "asap7": 2297.07016 - 1123.58}
FLIP_FLOPS = 1054  # `finish__design__instance__count__class:sequential_cell` of sky130hd's
MASK = (1 << 32) - 1


@pytest.mark.slow
@pytest.mark.parametrize("name", PUBLISHED)
def test_synthesised_area_is_within_15_percent_of_the_published(name: str, real_data: Path, tmp_path: Path) -> None:
    rtlil = generate(SingleCycleCore(), "core").rtlil
    mapped = map_block(rtlil, "core", named(name), tmp_path, flat=True)
    assert sum(n for kind, n in mapped.cells.items() if "DF" in kind.upper()) == FLIP_FLOPS
    assert mapped.area_um2 == pytest.approx(PUBLISHED[name], rel=0.15)


def signed(value: int, bits: int = 32) -> int:
    return (value & ((1 << bits) - 1)) - ((value >> (bits - 1) & 1) << bits)


class Machine:
    """The instructions by the book, one at a time."""

    def __init__(self, rng: random.Random) -> None:
        self.registers = [0] + [rng.getrandbits(32) for _ in range(31)]
        self.pc = 0

    def alu(self, kind: int, other: bool, a: int, b: int) -> int:
        shift = b & 31
        results = (
            a - b if other else a + b, a << shift, signed(a) < signed(b), a < b, a ^ b,
            signed(a) >> shift if other else a >> shift, a | b, a & b,
        )  # fmt: skip
        return int(results[kind]) & MASK

    def step(self, code: int, word: int) -> tuple[int, int, int]:
        """Address and data of a store, and whether it is one."""

        def field(low: int, bits: int) -> int:
            return code >> low & ((1 << bits) - 1)

        opcode, kind, place = field(0, 7), field(12, 3), field(7, 5)
        a, b = self.registers[field(15, 5)], self.registers[field(20, 5)]
        short = signed(field(20, 12), 12)
        after, result, store = self.pc + 4, None, (0, 0, 0)
        if opcode == LUI:
            result = code & ~0xFFF
        elif opcode == AUIPC:
            result = self.pc + (code & ~0xFFF)
        elif opcode == JAL:
            offset = field(31, 1) << 20 | field(12, 8) << 12 | field(20, 1) << 11 | field(21, 10) << 1
            result, after = after, self.pc + signed(offset, 21)
        elif opcode == JALR:
            result, after = after, a + short
        elif opcode == BRANCH:
            offset = field(31, 1) << 12 | field(7, 1) << 11 | field(25, 6) << 5 | field(8, 4) << 1
            less = a < b if kind & 2 else signed(a) < signed(b)
            taken = (less if kind & 4 else a == b) ^ (kind & 1)
            after = self.pc + signed(offset, 13) if taken else after
        elif opcode == LOAD:
            bits = 8 << (kind & 3)
            part = word >> 8 * ((a + short) & 3 & ~(bits // 8 - 1))
            result = part & ((1 << bits) - 1) if kind & 4 else signed(part, bits)
        elif opcode == STORE:
            bits, at = 8 << kind, a + signed(field(25, 7) << 5 | place, 12)
            mask = ((1 << bits) - 1) << 8 * (at & 3 & ~(bits // 8 - 1))
            store = (at & MASK, word & ~mask | b << (mask & -mask).bit_length() - 1 & mask, 1)
        else:
            other = bool(field(30, 1)) and (opcode == REGISTER or kind == 5)
            result = self.alu(kind, other, a, b if opcode == REGISTER else short & MASK)
        if result is not None and place:
            self.registers[place] = result & MASK
        self.pc = after & MASK & ~3
        return store


def instruction(rng: random.Random) -> int:
    opcode = rng.choice([LUI, AUIPC, JAL, JALR, BRANCH, LOAD, STORE, *[IMMEDIATE, REGISTER] * 4])
    kinds = {JALR: [0], BRANCH: [0, 1, 4, 5, 6, 7], LOAD: [0, 1, 2, 4, 5], STORE: [0, 1, 2]}
    kind = rng.choice(kinds.get(opcode, list(range(8))))
    code = rng.getrandbits(32) & ~0x707F | kind << 12 | opcode
    return code & ~(3 << 20) if rng.random() < 0.3 else code


def test_the_core_executes_instructions_by_the_book(seed: int) -> None:
    """What it stores and where it goes on, over random instructions; registers are loaded before."""
    rng = random.Random(seed)
    dut, machine = SingleCycleCore(), Machine(rng)

    async def run(ctx: Any) -> None:
        for k in range(1, 32):  # a LOAD of a whole word
            ctx.set(dut.instruction, LOAD | k << 7 | 2 << 12)
            ctx.set(dut.read_data, machine.registers[k])
            await ctx.tick()
        machine.pc = 31 * 4
        for _ in range(1500):
            code, word = instruction(rng), rng.getrandbits(32)
            assert ctx.get(dut.pc) == machine.pc
            ctx.set(dut.instruction, code)
            ctx.set(dut.read_data, word)
            ctx.set(dut.suspend, rng.random() < 0.1)
            if ctx.get(dut.suspend):
                await ctx.tick()
                ctx.set(dut.suspend, 0)
            at, data, writes = machine.step(code, word)
            assert ctx.get(dut.write) == writes
            if writes:
                assert (ctx.get(dut.address), ctx.get(dut.write_data)) == (at, data)
            await ctx.tick()
        for k in range(32):
            ctx.set(dut.instruction, STORE | 2 << 12 | k << 20)
            assert ctx.get(dut.write_data) == machine.registers[k]

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(run)
    simulator.run()
