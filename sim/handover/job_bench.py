"""A job of the engine, on the memory and by the master of cocotbext-axi: needs cocotb, cocotbext-axi and a simulator.

Environment, all optional: JOB, the folder of job.json (this file's); PAUSE, chance in percent that a channel pauses in
a cycle; SEED, of the pauses; TARGET, a file for what the job left in memory.
"""

# registers.py lies beside this file where it runs; cocotbext-axi makes its interfaces after they are declared.
# pyright: reportMissingImports=false, reportOptionalMemberAccess=false

import json
import logging
import os
import random
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles
from cocotbext.axi import AxiBus, AxiLiteBus, AxiLiteMaster, AxiRam
from registers import Registers

HERE = Path(os.environ.get("JOB") or Path(__file__).parent)
JOB = json.loads((HERE / "job.json").read_text())
PAUSE, SEED = (int(os.environ.get(name) or 0) for name in ("PAUSE", "SEED"))
POLL = 50  # cycles between two looks at STATUS


class System:
    """The engine with a memory and a host."""

    def __init__(self, dut):
        self.dut = dut
        dut._log.setLevel(logging.WARNING)  # cocotbext-axi tells of every burst
        self.host = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axi"), dut.clk)
        self.memory = AxiRam(AxiBus.from_prefix(dut, "m_axi"), dut.clk, size=JOB["memory_bytes"])

    def pause(self):
        """Makes every channel wait now and then."""
        reads, writes = self.memory.read_if, self.memory.write_if
        channels = [reads.ar_channel, reads.r_channel, writes.aw_channel, writes.w_channel, writes.b_channel]
        channels += [self.host.write_if.aw_channel, self.host.write_if.w_channel, self.host.write_if.b_channel]
        channels += [self.host.read_if.ar_channel, self.host.read_if.r_channel]
        for number, channel in enumerate(channels):
            channel.set_pause_generator(pauses(SEED * len(channels) + number))

    async def read(self, register):
        return register.decode(await self.host.read_dword(register.offset))

    async def write(self, register, **fields):
        await self.host.write_dword(register.offset, register.encode(**fields))

    async def counter(self, name):
        low = Registers.COUNTERS[name]
        return await self.host.read_dword(low) | await self.host.read_dword(low + 4) << 32

    async def run(self):
        """Loads memory, begins the job, and returns STATUS at its end."""
        self.memory.write(0, (HERE / "image.bin").read_bytes())
        await self.write(Registers.ADDRESS, HEADER=JOB["header"])
        await self.write(Registers.CONTROL, START=1)
        for _ in range(JOB["most_cycles"] // POLL):
            status = await self.read(Registers.STATUS)
            if not status["BUSY"]:
                return status
            await ClockCycles(self.dut.clk, POLL)
        raise AssertionError(f"the job does not end in {JOB['most_cycles']} cycles")


def pauses(seed):
    """One flag a cycle."""
    source = random.Random(seed)
    while True:
        yield source.randrange(100) < PAUSE


def check(memory):
    """Compares what the job left in memory, but for bytes that depend on time, with expected.bin."""
    expected, fixed = ((HERE / name).read_bytes() for name in ("expected.bin", "mask.bin"))
    got = memory.read(JOB["result"], len(expected))
    wrong = [k for k, (a, b, mask) in enumerate(zip(got, expected, fixed, strict=True)) if (a ^ b) & mask]
    if wrong:
        k = wrong[0]
        place = JOB["result"] + k
        raise AssertionError(f"{len(wrong)} bytes differ, first at 0x{place:x}: {got[k]:02x}, not {expected[k]:02x}")


async def start(dut):
    """Clock, reset, and the inputs that the engine has beyond its bus at rest."""
    Clock(dut.clk, 10, unit="ns").start()
    for name in JOB["inputs_at_rest"]:
        getattr(dut, name).value = 0
    dut.rst.value = 1
    system = System(dut)
    await ClockCycles(dut.clk, 4)
    dut.rst.value = 0
    await ClockCycles(dut.clk, 2)
    return system


@cocotb.test()
async def it_says_what_it_is(dut):
    """The constants of the registers."""
    system = await start(dut)
    for name, value in Registers.CONSTANTS.items():
        got = await system.host.read_dword(getattr(Registers, name).offset)
        assert got == value, f"{name} reads 0x{got:x}, not 0x{value:x}"


@cocotb.test()
async def the_job_gives_what_is_expected(dut):
    """Every byte of the result, and an interrupt at the end."""
    system = await start(dut)
    system.pause()
    await system.write(Registers.INTERRUPT_ENABLE, DONE=1)
    status = await system.run()
    error = await system.read(Registers.ERROR)
    assert status == {"BUSY": 0, "DONE": 1, "FAILED": 0}, f"STATUS is {status}, ERROR {error}"
    assert dut.irq.value == 1
    check(system.memory)
    cycles = await system.counter("cycles")
    cocotb.log.info(f"the job took {cycles} cycles")
    if os.environ.get("TARGET"):
        counters = {name: await system.counter(name) for name in Registers.COUNTERS}
        Path(os.environ["TARGET"]).write_text(json.dumps(counters))


async def refuse(*_):
    """A slave's answer to every access."""
    raise OSError("refused")


@cocotb.test()
@cocotb.parametrize(kind=["read", "write"])
async def an_error_ends_the_job(dut, kind):
    """A slave that refuses: the job fails with a cause, and the next one is as good as ever."""
    system = await start(dut)
    system.pause()
    interface = getattr(system.memory, f"{kind}_if")
    setattr(interface, f"_{kind}", refuse)
    status = await system.run()
    assert status == {"BUSY": 0, "DONE": 0, "FAILED": 1}, f"STATUS is {status}"
    cause = Registers.CAUSES[(await system.read(Registers.ERROR))["CAUSE"]]
    assert cause == f"{kind}_slverr", cause
    delattr(interface, f"_{kind}")
    status = await system.run()
    assert status == {"BUSY": 0, "DONE": 1, "FAILED": 0}, f"STATUS is {status}"
    check(system.memory)
