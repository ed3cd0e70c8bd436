"""Engine, block RAM and link as one, from pin to pin in Amaranth's simulator; and what the engine's side promises."""

from __future__ import annotations

from typing import Any

import pytest
from amaranth.sim import Simulator

from fpga.block_ram import BlockRam
from fpga.engine_system import EngineSystem
from fpga.host_top import HostTop
from fpga.link.deframer import Deframer
from fpga.link.protocol import ANSWER, COMMANDS, Command, Status, encode, pack, unpack
from fpga.sdram import Sdram
from hw.generate import config_hash
from tests.fpga.inverter import WORD, Config, Inverter, inversion
from tests.fpga.link.test_uart import wave
from tests.fpga.sdram_bench import CHIP, CLOCKS, model_of
from tests.fpga.sdram_chip import READ, WRITE
from tests.fpga.terminal import receive
from tests.hw.lib.simulate import refuses

DIVISOR, MEMORY = 4, 256


def top(**others: Any) -> HostTop:
    if "memory" not in others:
        others |= {"memory": BlockRam(width=8 * WORD, words=MEMORY // WORD), "memory_bytes": MEMORY}
    return HostTop(name="inverter", config=Config(), engine=Inverter(), divisor=DIVISOR, **others)


class Pins:
    """A host at the pins of a top."""

    def __init__(self, ctx: Any, dut: HostTop) -> None:
        self.ctx, self.dut = ctx, dut

    async def send(self, line: bytes) -> None:
        """Drives the bytes, one behind the other."""
        for byte in line:
            for level in wave(byte, DIVISOR):
                self.ctx.set(self.dut.receive, level)
                await self.ctx.tick()

    async def ask(self, command: Command, payload: bytes = b"", *, size: int = 0) -> bytes:
        """What the answer has behind its status, which must be that all is done: `size` bytes."""
        await self.send(encode(command, 7, payload))
        line = await receive(self.ctx, self.dut.send, DIVISOR, len(encode(0, 0, b"")) + 1 + size)
        (frame,) = Deframer().feed(line)
        assert frame == (command | ANSWER, 7, bytes((Status.DONE,)) + frame.payload[1:])
        return frame.payload[1:]


def run(dut: HostTop, script: Any, beside: Any = None) -> None:
    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    if beside:
        simulator.add_testbench(beside, background=True)

    async def bench(ctx: Any) -> None:
        await script(Pins(ctx, dut))

    simulator.add_testbench(bench)
    simulator.run()


def test_a_job_from_pin_to_pin() -> None:
    run(top(patience=8), job())


def test_a_job_out_of_an_sdram() -> None:
    """From the host's pins to the chip's; the chip is then larger than the block RAM, and the host is told."""
    dut = top(patience=8, memory=Sdram(width=8 * WORD, chip=CHIP, clocks=CLOCKS), memory_bytes=CHIP.size)
    model = model_of(dut.pins)
    run(dut, job(memory_bytes=CHIP.size), model.run)
    words = model.counts[WRITE] * 2 // WORD, model.counts[READ] * 2 // WORD
    assert words == (4 + 3, 4 + 3), "four words from the host, three from the engine; four to it, three to the host"


def job(memory_bytes: int = MEMORY) -> Any:
    """Identified, loaded behind half a frame that broke off, run, read; the light is on while the job runs."""
    workload = inversion(3)
    memory = workload.memory

    async def script(pins: Pins) -> None:
        parts = unpack(COMMANDS[Command.IDENTIFY].answer, await pins.ask(Command.IDENTIFY, size=31))
        assert parts["config_hash"].hex() == config_hash(Config())
        assert int.from_bytes(parts["memory_bytes"], "little") == memory_bytes
        await pins.send(encode(Command.WRITE, 1, bytes(20))[:11])
        await pins.ctx.tick().repeat(10 * 10 * DIVISOR)
        await pins.ask(Command.WRITE, pack(COMMANDS[Command.WRITE].arguments, 0) + memory.data.tobytes())
        await pins.ask(Command.START, pack(COMMANDS[Command.START].arguments, 0, 1))
        status = unpack(COMMANDS[Command.STATUS].answer, await pins.ask(Command.STATUS, size=26))
        assert [status[name][0] for name in ("job", "flags", "words_read", "timed_out")] == [1, 0, 4, 1]
        read = pack(COMMANDS[Command.READ].arguments, memory.result_address, memory.result_bytes)
        assert await pins.ask(Command.READ, read, size=memory.result_bytes) == bytes(
            255 - byte for byte in memory.data[WORD:]
        )
        counters = await pins.ask(Command.COUNTERS, size=10)
        assert int.from_bytes(counters, "little") >> 40 == 3
        assert not pins.ctx.get(pins.dut.failed)

    return script


def drive(system: EngineSystem, script: Any) -> None:
    simulator = Simulator(system)
    simulator.add_clock(1e-6)
    simulator.add_testbench(script)
    simulator.run()


@pytest.mark.parametrize(("beyond", "fault"), [(None, 0), (MEMORY, 1), (0x8000_0000, 1)])
def test_the_system_counts_words_and_sees_what_is_beyond(beyond: int | None, fault: int) -> None:
    """Loaded through its own port, read back through it; the counts begin again with every job."""
    workload = inversion(2, beyond=beyond)
    system = EngineSystem(
        engine=Inverter(), memory=BlockRam(width=8 * WORD, words=MEMORY // WORD), width=8 * WORD, memory_bytes=MEMORY
    )

    async def script(ctx: Any) -> None:
        write, data = system.write.request, workload.memory.data.tobytes()
        for address in range(0, len(data), WORD):
            ctx.set(
                write.payload, {"address": address, "data": int.from_bytes(data[address : address + WORD], "little")}
            )
            ctx.set(write.valid, 1)
            while not (await ctx.tick().sample(write.ready))[2]:
                pass
        ctx.set(write.valid, 0)
        await ctx.tick().repeat(4)
        for _ in range(2):
            ctx.set(system.start, 1)
            await ctx.tick()
            ctx.set(system.start, 0)
            await ctx.tick()
            while ctx.get(system.busy):
                await ctx.tick()
            await ctx.tick().repeat(3)
            found = ctx.get(system.words_read), ctx.get(system.words_written), ctx.get(system.fault)
            assert found == (3, 2, fault)

    drive(system, script)


def test_a_name_that_does_not_fit_is_refused() -> None:
    refuses("an engine's name has at most 16 letters", lambda: _named("an engine of many words"))


def _named(name: str) -> HostTop:
    return HostTop(
        name=name, config=Config(), engine=Inverter(), memory_bytes=MEMORY, divisor=DIVISOR,
        memory=BlockRam(width=8 * WORD, words=MEMORY // WORD),
    )  # fmt: skip
