"""The smallest engine on a bus, and a host that does what software would."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from amaranth.hdl import Module
from amaranth.sim import Simulator

from hw.bus.axi import Response
from hw.bus.axi_engine import AxiEngine
from hw.bus.axi_master import AxiMaster
from hw.bus.config import BusConfig
from hw.bus.registers import CAUSES, engine_registers
from tests.hw.bus.copier import COUNTERS, WIDTH, Copier, after, image

REGISTERS = engine_registers("copier", version="1.0.0", config_hash="0123456789ab", word_bytes=8, counters=COUNTERS)
OFFSETS = {register.name: register.offset for register in REGISTERS.registers}
BUSY, DONE, FAILED = 1, 2, 4
WORDS = [3, 1 << 63, 0, 77777]


class System:
    """The engine, a memory that answers one burst at a time, and registers by name."""

    def __init__(self, ctx: Any, dut: Any, contents: dict[int, int]) -> None:
        self.ctx, self.dut, self.contents = ctx, dut, dict(contents)
        self.written: dict[int, int] = {}
        self.fails: dict[str, Response] = {}  # by channel
        self.mute = False  # nothing is answered

    async def _access(self, kind: str, offset: int, value: int = 0) -> int:
        ctx, dut = self.ctx, self.dut
        channels = ("aw", "w") if kind == "write" else ("ar",)
        ctx.set(getattr(dut, f"s_axi_{channels[0]}addr"), offset)
        ctx.set(dut.s_axi_wdata, value)
        ctx.set(dut.s_axi_wstrb, 15)
        for channel in channels:
            ctx.set(getattr(dut, f"s_axi_{channel}valid"), 1)
            while not ctx.get(getattr(dut, f"s_axi_{channel}ready")):
                await ctx.tick()
            await ctx.tick()
            ctx.set(getattr(dut, f"s_axi_{channel}valid"), 0)
        answer = "b" if kind == "write" else "r"
        ctx.set(getattr(dut, f"s_axi_{answer}ready"), 1)
        while not ctx.get(getattr(dut, f"s_axi_{answer}valid")):
            await ctx.tick()
        assert ctx.get(getattr(dut, f"s_axi_{answer}resp")) == Response.OKAY
        got = ctx.get(dut.s_axi_rdata)
        await ctx.tick()
        ctx.set(getattr(dut, f"s_axi_{answer}ready"), 0)
        return got

    async def read(self, name: str) -> int:
        return await self._access("read", OFFSETS[name])

    async def write(self, name: str, value: int) -> None:
        await self._access("write", OFFSETS[name], value)

    async def finish(self) -> int:
        """STATUS at the job's end."""
        for _ in range(100):
            status = await self.read("STATUS")
            if not status & BUSY:
                return status
        raise AssertionError("the job does not end")

    async def memory(self, ctx: Any) -> None:
        """Every burst of the copier has one beat."""
        dut = self.dut
        reads: deque[int] = deque()
        places: deque[int] = deque()
        beats: deque[int] = deque()
        answers = 0
        for name in ("arready", "awready", "wready"):
            ctx.set(getattr(dut, f"m_axi_{name}"), 1)
        ctx.set(dut.m_axi_rlast, 1)
        while True:
            if reads and not self.mute and not ctx.get(dut.m_axi_rvalid):
                ctx.set(dut.m_axi_rdata, self.contents.get(reads.popleft(), 0))
                ctx.set(dut.m_axi_rresp, self.fails.get("r", Response.OKAY))
                ctx.set(dut.m_axi_rvalid, 1)
            ctx.set(dut.m_axi_bvalid, bool(answers) and not self.mute)
            ctx.set(dut.m_axi_bresp, self.fails.get("b", Response.OKAY))
            _, _, ar, araddr, aw, awaddr, w, wdata, r, b = await ctx.tick().sample(
                dut.m_axi_arvalid, dut.m_axi_araddr, dut.m_axi_awvalid, dut.m_axi_awaddr, dut.m_axi_wvalid,
                dut.m_axi_wdata, dut.m_axi_rvalid & dut.m_axi_rready, dut.m_axi_bvalid & dut.m_axi_bready,
            )  # fmt: skip
            reads.extend([araddr] * ar)
            places.extend([awaddr] * aw)
            beats.extend([wdata] * w)
            answers -= b
            if r:
                ctx.set(dut.m_axi_rvalid, 0)
            while places and beats:
                self.written[places[0]] = self.contents[places.popleft()] = beats.popleft()
                answers += 1


def simulate(run: Callable[[System], Awaitable[None]], contents: dict[int, int]) -> None:
    m = Module()
    m.submodules.dut = dut = AxiEngine(Copier(), bus=BusConfig(), registers=REGISTERS)
    simulator = Simulator(m)
    simulator.add_clock(1e-6)
    made: list[System] = []

    async def testbench(ctx: Any) -> None:
        made.append(System(ctx, dut, contents))
        await run(made[0])

    async def memory(ctx: Any) -> None:
        await made[0].memory(ctx)

    simulator.add_testbench(testbench)
    simulator.add_testbench(memory, background=True)
    simulator.run()


def test_two_jobs() -> None:
    """Status, interrupt and counters of each; what is written is read again only when it is in memory."""

    async def run(system: System) -> None:
        assert await system.read("STATUS") == 0
        await system.write("INTERRUPT_ENABLE", 1)
        for _ in range(2):
            system.written.clear()
            await system.write("CONTROL", 1)
            assert await system.finish() == DONE
            assert system.written == after(WORDS)
            assert await system.read("COUNTER_WORDS_0") == len(WORDS)
            assert await system.read("COUNTER_CYCLES_0") > 20
            assert system.ctx.get(system.dut.irq) == 1
            await system.write("INTERRUPT", 1)
            assert system.ctx.get(system.dut.irq) == 0

    simulate(run, image(WORDS))


@pytest.mark.parametrize(
    ("channel", "response", "cause", "burst"),
    [
        ("r", Response.SLVERR, "read_slverr", 0),
        ("r", Response.DECERR, "read_decerr", 0),
        ("b", Response.SLVERR, "write_slverr", 40),
        ("b", Response.DECERR, "write_decerr", 40),
    ],
)
def test_an_error_ends_the_job(channel: str, response: Response, cause: str, burst: int) -> None:
    """With its cause and place; the next job is as good as the first."""

    async def run(system: System) -> None:
        await system.write("INTERRUPT_ENABLE", 2)
        system.fails = {channel: response}
        await system.write("CONTROL", 1)
        assert await system.finish() == FAILED
        assert await system.read("ERROR") == CAUSES[cause]
        assert await system.read("ERROR_ADDRESS") == burst
        assert await system.read("INTERRUPT") == 2
        assert system.ctx.get(system.dut.irq) == 1
        await system.write("INTERRUPT", 2)
        system.fails = {}
        system.written.clear()
        await system.write("CONTROL", 1)
        assert await system.finish() == DONE
        assert system.written == after(WORDS)
        assert await system.read("ERROR") == 0

    simulate(run, image(WORDS))


def test_a_job_is_stopped() -> None:
    """The bus answers first; counters stay, and so does a port that the engine has beside the common ones."""

    async def run(system: System) -> None:
        await system.write("CONTROL", 1)
        for _ in range(20):
            await system.ctx.tick()
        system.ctx.set(system.dut.hold, 1)
        system.mute = True
        await system.write("CONTROL", 2)
        assert await system.read("STATUS") == BUSY
        system.mute = False
        assert await system.finish() == FAILED
        assert await system.read("ERROR") == CAUSES["stopped"]
        assert 0 < await system.read("COUNTER_CYCLES_0") < 60
        await system.write("CONTROL", 1)
        for _ in range(300):
            await system.ctx.tick()
        assert await system.read("STATUS") == BUSY  # held
        system.ctx.set(system.dut.hold, 0)
        assert await system.finish() == DONE

    simulate(run, image(WORDS))


def test_the_address_of_a_job_is_that_of_its_start() -> None:
    async def run(system: System) -> None:
        await system.write("CONTROL", 1)
        await system.write("ADDRESS", 1 << 20)
        assert await system.finish() == DONE
        assert system.written == after(WORDS)
        system.written.clear()
        await system.write("CONTROL", 1)
        assert await system.finish() == DONE
        assert not system.written  # a header of zeros

    simulate(run, image(WORDS))


def test_the_master_alone_has_the_engine_s_ports() -> None:
    master = AxiMaster(Copier(), bus=BusConfig(width=32))
    members = set(master.signature.members)
    assert {"start", "address", "busy", "counters", "hold", "idle", "ar"} <= members
    assert {"read", "write"}.isdisjoint(members)
    assert len(master.w.payload.data) == WIDTH // 2
    simulator = Simulator(master)
    simulator.add_clock(1e-6)
    simulator.run_until(1e-5)
