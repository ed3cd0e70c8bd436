"""A single-cycle RV32I core, written anew to be set beside a published area.

OpenROAD-flow-scripts' `riscv32i` ("Simple RISCV 32I core", an undergraduate course's) has 1,054 flip-flops and 165
pins: 32 registers of 32 bits, a program counter without its two lowest bits, and ports for instructions and data
without waiting. That is the single-cycle processor of Harris and Harris, Digital Design and Computer Architecture
(RISC-V edition, 7.3); this one has its structure: decoder, immediates, a register file with two ports that are read at
once, an ALU with its shifter, a target adder beside it, and the choice of what is written back.
"""

from __future__ import annotations

from amaranth.hdl import Array, C, Cat, Elaboratable, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

LUI, AUIPC, JAL, JALR, BRANCH, LOAD, STORE, IMMEDIATE, REGISTER = (
    0x37, 0x17, 0x6F, 0x67, 0x63, 0x03, 0x23, 0x13, 0x33
)  # fmt: skip


class SingleCycleCore(wiring.Component):
    """An instruction a cycle; no exceptions, no FENCE or CSR, and accesses that do not cross a word."""

    def __init__(self) -> None:
        super().__init__(
            {
                "pc": Out(32),
                "instruction": In(32),
                "suspend": In(1),
                "address": Out(32),
                "write": Out(1),
                "write_data": Out(32),
                "read_data": In(32),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        code = self.instruction
        opcode, kind = code[:7], code[12:15]
        counter = Signal(30)  # words
        pc = Cat(C(0, 2), counter)
        first, second, result = Signal(32), Signal(32), Signal(32)
        writes = Signal()
        m.submodules.registers = registers = Memory(shape=32, depth=32, init=[])
        for value, place in ((first, code[15:20]), (second, code[20:25])):
            port = registers.read_port(domain="comb")
            m.d.comb += [port.addr.eq(place), value.eq(Mux(place == 0, 0, port.data))]
        port = registers.write_port()
        m.d.comb += [port.addr.eq(code[7:12]), port.data.eq(result), port.en.eq(writes & ~self.suspend)]

        immediate = self._immediate(m, opcode)
        a, b = Signal(32), Signal(32)
        m.d.comb += [
            a.eq(first),
            b.eq(Mux((opcode == REGISTER) | (opcode == BRANCH), second, immediate)),
            writes.eq((opcode != BRANCH) & (opcode != STORE)),
        ]
        computed, less = self._compute(m, opcode, kind, a, b)

        taken, target, behind = Signal(), Signal(32), Signal(32)
        equal = Signal()
        m.d.comb += [
            equal.eq(first == second),
            taken.eq(Mux(kind[2], less, equal) ^ kind[0]),
            target.eq(pc + immediate),
            behind.eq(pc + 4),
            self.pc.eq(pc),
            self.address.eq(computed),
            self.write.eq(opcode == STORE),
            self.write_data.eq(self._stored(m, kind, second)),
        ]
        with m.If(~self.suspend):
            with m.If(opcode == JALR):
                m.d.sync += counter.eq(computed[2:])
            with m.Elif((opcode == JAL) | ((opcode == BRANCH) & taken)):
                m.d.sync += counter.eq(target[2:])
            with m.Else():
                m.d.sync += counter.eq(behind[2:])
        with m.Switch(opcode):
            with m.Case(LUI):
                m.d.comb += result.eq(immediate)
            with m.Case(AUIPC):
                m.d.comb += result.eq(target)
            with m.Case(JAL, JALR):
                m.d.comb += result.eq(behind)
            with m.Case(LOAD):
                m.d.comb += result.eq(self._loaded(m, kind))
            with m.Default():
                m.d.comb += result.eq(computed)
        return m

    def _immediate(self, m: Module, opcode: Value) -> Signal:
        code, value = self.instruction, Signal(32)
        sign = code[31]
        with m.Switch(opcode):
            with m.Case(STORE):
                m.d.comb += value.eq(Cat(code[7:12], code[25:31], sign.replicate(21)))
            with m.Case(BRANCH):
                m.d.comb += value.eq(Cat(C(0, 1), code[8:12], code[25:31], code[7], sign.replicate(20)))
            with m.Case(LUI, AUIPC):
                m.d.comb += value.eq(Cat(C(0, 12), code[12:32]))
            with m.Case(JAL):
                m.d.comb += value.eq(Cat(C(0, 1), code[21:31], code[20], code[12:20], sign.replicate(12)))
            with m.Default():
                m.d.comb += value.eq(Cat(code[20:31], sign.replicate(21)))
        return value

    def _compute(self, m: Module, opcode: Value, kind: Value, a: Signal, b: Signal) -> tuple[Signal, Signal]:
        """The ALU's result; whether `a` is less than `b`, signed or not as a branch or a comparison asks."""
        result, less = Signal(32), Signal()
        computes = (opcode == IMMEDIATE) | (opcode == REGISTER)
        subtracts, unsigned = Signal(), Signal()
        total = Signal(33)
        m.d.comb += [
            subtracts.eq(
                (opcode == BRANCH) | (computes & ((kind[1:] == 1) | ((opcode == REGISTER) & self.instruction[30])))
            ),
            unsigned.eq(Mux(opcode == BRANCH, kind[1], kind[0])),
            total.eq(a + (b ^ subtracts.replicate(32)) + subtracts),
            less.eq(Mux(a[31] == b[31], total[31], Mux(unsigned, b[31], a[31]))),
        ]
        # One shifter to the right: a shift to the left is one of the bits in reverse.
        left, filled, moved = kind == 1, Signal(signed(33)), Signal(32)
        m.d.comb += [
            filled.eq(Cat(Mux(left, a[::-1], a), a[31] & self.instruction[30] & ~left)),
            moved.eq(filled >> b[:5]),
        ]
        with m.If(~computes):
            m.d.comb += result.eq(total[:32])
        with m.Else():
            with m.Switch(kind):
                with m.Case(0):
                    m.d.comb += result.eq(total[:32])
                with m.Case(2, 3):
                    m.d.comb += result.eq(less)
                with m.Case(4):
                    m.d.comb += result.eq(a ^ b)
                with m.Case(6):
                    m.d.comb += result.eq(a | b)
                with m.Case(7):
                    m.d.comb += result.eq(a & b)
                with m.Default():
                    m.d.comb += result.eq(Mux(left, moved[::-1], moved))
        return result, less

    def _loaded(self, m: Module, kind: Value) -> Signal:
        """A byte, half or whole of the word that was read, its sign extended unless `kind` says unsigned."""
        value, place = Signal(32), Signal(2)
        byte, half = Signal(8), Signal(16)
        m.d.comb += [
            place.eq(self.address),
            byte.eq(Array(self.read_data.word_select(k, 8) for k in range(4))[place]),
            half.eq(Mux(place[1], self.read_data[16:], self.read_data[:16])),
        ]
        with m.Switch(kind[:2]):
            with m.Case(0):
                m.d.comb += value.eq(Cat(byte, (byte[7] & ~kind[2]).replicate(24)))
            with m.Case(1):
                m.d.comb += value.eq(Cat(half, (half[15] & ~kind[2]).replicate(16)))
            with m.Default():
                m.d.comb += value.eq(self.read_data)
        return value

    def _stored(self, m: Module, kind: Value, word: Signal) -> Signal:
        """The word to write: a byte or half takes its place in what was read."""
        value, place = Signal(32), Signal(2)
        m.d.comb += [place.eq(self.address), value.eq(word)]
        with m.If(kind[:2] == 0):
            m.d.comb += [value.eq(self.read_data), value.word_select(place, 8).eq(word[:8])]
        with m.Elif(kind[:2] == 1):
            m.d.comb += [value.eq(self.read_data), value.word_select(place[1], 16).eq(word[:16])]
        return value
