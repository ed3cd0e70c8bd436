"""The command unit: what every request does and is answered, twice sent, wrong, or at the wrong time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amaranth.sim import Simulator

from fpga.link.command_unit import CommandUnit
from fpga.link.protocol import ANSWER, COMMANDS, DATA_BYTES, Command, Status, identity, pack, unpack
from tests.hw.lib.simulate import refuses

WORD, MEMORY = 16, 1024
IDENTITY = identity("inverter", "0123456789ab", word_bytes=WORD, memory_bytes=MEMORY, counter_bytes=10)
COUNTERS = int.from_bytes(bytes(range(10, 20)), "little")


class Talk:
    """A host, a memory of bytes and an engine around a command unit, in one coroutine's hands."""

    def __init__(self, ctx: Any, dut: CommandUnit) -> None:
        self.ctx, self.dut = ctx, dut
        self.memory = bytearray(range(256)) * (MEMORY // 256)
        self.started: list[int] = []
        self.resets = 0
        self._burst: int | None = None
        ctx.set(dut.counters, COUNTERS)

    async def step(self) -> None:
        """One cycle, with what memory and engine do in it."""
        ctx, dut, request, response = self.ctx, self.dut, self.dut.read.request, self.dut.read.response
        ctx.set(request.ready, self._burst is None)
        ctx.set(dut.write.request.ready, 1)
        ctx.set(response.valid, self._burst is not None)
        if self._burst is not None:
            word = self.memory[self._burst : self._burst + WORD]
            ctx.set(response.payload, {"data": int.from_bytes(word, "little"), "last": 1})
        write = dut.write.request
        _, _, asked, burst, taken, written, word, start, address, reset = await ctx.tick().sample(
            request.valid,
            request.payload,
            response.ready,
            write.valid,
            write.payload,
            dut.start,
            dut.address,
            dut.reset,
        )
        if self._burst is not None:
            self._burst = None if taken else self._burst
        elif asked:
            assert burst.length == 1
            self._burst = burst.address
        if written:
            self.memory[word.address : word.address + WORD] = word.data.to_bytes(WORD, "little")
        self.started += [address] * start
        self.resets += reset

    async def _move(self, stream: Any, value: Any) -> None:
        self.ctx.set(stream.payload, value)
        self.ctx.set(stream.valid, 1)
        while not self.ctx.get(stream.ready):
            await self.step()
        await self.step()
        self.ctx.set(stream.valid, 0)

    async def _take(self, stream: Any) -> Any:
        self.ctx.set(stream.ready, 1)
        while not self.ctx.get(stream.valid):
            await self.step()
        value = self.ctx.get(stream.payload)
        await self.step()
        self.ctx.set(stream.ready, 0)
        return value

    async def ask(self, command: int, payload: bytes = b"", *, sequence: int = 5) -> tuple[Status, bytes]:
        """Status and content of the answer."""
        header = {"length": len(payload), "sequence": sequence, "command": command}
        await self._move(self.dut.frame, header)
        for byte in payload:
            await self._move(self.dut.payload, byte)
        answer = await self._take(self.dut.answer)
        assert (answer.sequence, answer.command) == (sequence, command | ANSWER)
        got = bytes([await self._take(self.dut.answer_payload) for _ in range(answer.length)])
        return Status(got[0]), got[1:]

    async def status(self) -> dict[str, int]:
        code, content = await self.ask(Command.STATUS)
        assert code == Status.DONE
        fields = unpack(COMMANDS[Command.STATUS].answer, content)
        return {name: int.from_bytes(value, "little") for name, value in fields.items()}


def talk(script: Callable[[Talk], Any]) -> None:
    """Runs a script against a command unit."""
    dut = CommandUnit(width=8 * WORD, memory_bytes=MEMORY, identity=IDENTITY, counter_bits=80)
    simulator = Simulator(dut)
    simulator.add_clock(1e-6)

    async def run(ctx: Any) -> None:
        await script(Talk(ctx, dut))

    simulator.add_testbench(run)
    simulator.run()


def write(address: int, data: bytes) -> bytes:
    return pack(COMMANDS[Command.WRITE].arguments, address) + data


def read(address: int, count: int) -> bytes:
    return pack(COMMANDS[Command.READ].arguments, address, count)


def start(address: int, job: int) -> bytes:
    return pack(COMMANDS[Command.START].arguments, address, job)


def test_identity_and_counters() -> None:
    async def script(host: Talk) -> None:
        assert await host.ask(Command.IDENTIFY) == (Status.DONE, IDENTITY)
        assert await host.ask(Command.COUNTERS, sequence=255) == (Status.DONE, bytes(range(10, 20)))

    talk(script)


def test_memory_is_written_and_read() -> None:
    """One word, a whole frame of them, the last of memory; a repeated request gives the same again."""

    async def script(host: Talk) -> None:
        before = bytes(host.memory)
        data = bytes(7 * k % 251 for k in range(DATA_BYTES))
        for _ in range(2):
            assert await host.ask(Command.WRITE, write(2 * WORD, data)) == (Status.DONE, b"")
            assert await host.ask(Command.WRITE, write(MEMORY - WORD, data[:WORD])) == (Status.DONE, b"")
        after = before[: 2 * WORD] + data + before[2 * WORD + len(data) : -WORD] + data[:WORD]
        assert host.memory == after
        for address, count in ((0, WORD), (WORD, DATA_BYTES), (MEMORY - WORD, WORD)):
            for _ in range(2):
                expected = Status.DONE, after[address : address + count]
                assert await host.ask(Command.READ, read(address, count)) == expected

    talk(script)


#: Requests that are refused, each with its status.
REFUSED = (
    (0, b"", Status.UNKNOWN),
    (8, b"anything", Status.UNKNOWN),
    (Command.IDENTIFY, b"x", Status.LENGTH),
    (Command.RESET, b"abc", Status.LENGTH),
    (Command.STATUS, bytes(260), Status.LENGTH),
    (Command.START, start(0, 1)[:4], Status.LENGTH),
    (Command.WRITE, b"", Status.LENGTH),
    (Command.WRITE, write(0, b"")[:3], Status.LENGTH),
    (Command.WRITE, write(0, b""), Status.LENGTH),
    (Command.WRITE, write(0, bytes(WORD + 1)), Status.LENGTH),
    (Command.READ, read(0, 0), Status.LENGTH),
    (Command.READ, read(0, WORD // 2), Status.LENGTH),
    (Command.READ, read(0, DATA_BYTES + WORD), Status.LENGTH),
    (Command.READ, read(0, WORD) + b"x", Status.LENGTH),
    (Command.WRITE, write(8, bytes(WORD)), Status.PLACE),
    (Command.WRITE, write(MEMORY, bytes(WORD)), Status.PLACE),
    (Command.WRITE, write(MEMORY - WORD, bytes(2 * WORD)), Status.PLACE),
    (Command.READ, read(MEMORY - WORD, 2 * WORD), Status.PLACE),
    (Command.READ, read(0xFFFF_FFF0, WORD), Status.PLACE),
    (Command.START, start(MEMORY, 1), Status.PLACE),
    (Command.START, start(4, 1), Status.PLACE),
)


def test_what_is_refused_changes_nothing() -> None:
    """The next request is obeyed."""

    async def script(host: Talk) -> None:
        before = bytes(host.memory)
        for command, payload, status in REFUSED:
            assert await host.ask(command, payload) == (status, b""), (command, payload)
            assert (host.memory, host.started, host.resets) == (before, [], 0)
            assert await host.ask(Command.READ, read(WORD, WORD)) == (Status.DONE, before[WORD : 2 * WORD])

    talk(script)


def test_a_job_starts_once() -> None:
    """A repeated START starts nothing, during the job or after it; another number does, but not during a job."""

    async def script(host: Talk) -> None:
        assert await host.ask(Command.START, start(32, 1)) == (Status.DONE, b"")
        host.ctx.set(host.dut.busy, 1)
        assert (await host.status())["flags"] == 1
        assert await host.ask(Command.START, start(32, 1)) == (Status.DONE, b"")
        for command, payload in (
            (Command.START, start(64, 2)),
            (Command.WRITE, write(0, bytes(WORD))),
            (Command.READ, read(0, WORD)),
            (Command.COUNTERS, b""),
        ):
            assert await host.ask(command, payload) == (Status.BUSY, b"")
        assert (await host.ask(Command.IDENTIFY))[0] == Status.DONE
        host.ctx.set(host.dut.busy, 0)
        status = await host.status()
        assert (status["flags"], status["job"]) == (0, 1)
        assert await host.ask(Command.START, start(32, 1)) == (Status.DONE, b"")
        assert host.started == [32]
        assert await host.ask(Command.START, start(64, 2)) == (Status.DONE, b"")
        assert host.started == [32, 64]
        assert (await host.status())["flags"] == 1  # before the engine is busy

    talk(script)


def test_reset_begins_a_session() -> None:
    """It is known by its number; job number and a job under way are gone."""

    async def script(host: Talk) -> None:
        await host.ask(Command.START, start(0, 9))
        host.ctx.set(host.dut.busy, 1)
        await host.step()
        assert await host.ask(Command.RESET, pack(COMMANDS[Command.RESET].arguments, 0xDEAD_BEEF)) == (Status.DONE, b"")
        host.ctx.set(host.dut.busy, 0)
        status = await host.status()
        assert (status["session"], status["job"], status["flags"]) == (0xDEAD_BEEF, 0, 0)
        assert host.resets == 1

    talk(script)


def test_status_tells_what_there_is() -> None:
    async def script(host: Talk) -> None:
        ctx, dut = host.ctx, host.dut
        ctx.set(dut.fault, 1)
        ctx.set(dut.words_read, 0x12_3456_789A)
        ctx.set(dut.words_written, 0x98_7654_3210)
        ctx.set(dut.faults, {"framing": 1, "lost": 2, "bad_crc": 3, "bad_length": 4, "timed_out": 65_535})
        expected = {
            "session": 0, "job": 0, "flags": 2, "words_read": 0x12_3456_789A, "words_written": 0x98_7654_3210,
            "framing": 1, "lost": 2, "bad_crc": 3, "bad_length": 4, "timed_out": 65_535,
        }  # fmt: skip
        assert await host.status() == expected

    talk(script)


def test_what_does_not_fit_into_a_frame_is_refused() -> None:
    def make(width: int, bits: int) -> CommandUnit:
        return CommandUnit(width=width, memory_bytes=MEMORY, identity=IDENTITY, counter_bits=bits)

    refuses("a word must fit into 256 bytes, it is 4096 bits", lambda: make(4096, 80))
    refuses("all counters must fit into 256 bytes, it is 2088 bits", lambda: make(128, 2088))
