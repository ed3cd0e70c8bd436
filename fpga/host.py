"""The host's side of a board: what a job needs, over the link."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from fpga.errors import LinkError
from fpga.exchange import Exchange, Patience
from fpga.link.protocol import (
    BUSY_FLAG,
    COMMANDS,
    DATA_BYTES,
    FAULT_FLAG,
    VERSION,
    Command,
    pack,
    unpack,
)  # fmt: skip
from fpga.serial_line import SerialLine
from golden.errors import InputError
from hw.generate import config_hash
from sim.kernel.jobs import Bytes, Job

FIRST_LOOK, LONGEST_LOOK = 0.002, 0.1  # seconds between two looks at a job that is under way


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What is on a board."""

    protocol: int
    engine: str
    config_hash: str
    word_bytes: int
    memory_bytes: int
    counter_bytes: int


@dataclass(frozen=True, kw_only=True)
class Finished:
    """What a job left behind."""

    data: Bytes  #: the result region
    counters: int  #: all of them, the first in the lowest bits
    words_read: int
    words_written: int
    job_seconds: float  #: from start to end, as the host saw it


class Host:
    """A board whose memory this process loads, and whose engine does its jobs."""

    def __init__(self, line: SerialLine, patience: Patience = Patience()) -> None:
        self.line, self.patience = line, patience
        self.exchange = Exchange(line, patience)
        self._job = 0

    def identify(self) -> Identity:
        """What is on the board.

        Raises:
            LinkError: it does not answer. InputError: it speaks another version of the protocol.
        """
        answer = self.exchange.ask(Command.IDENTIFY)
        if answer[:1] != bytes((VERSION,)):
            raise InputError(
                f"the board on {self.line.port} must speak version {VERSION} of the protocol, "
                f"its is {int.from_bytes(answer[:1], 'little')}: build its bitstream again"
            )
        parts = unpack(COMMANDS[Command.IDENTIFY].answer, answer)
        engine, digest = parts.pop("engine").rstrip(b"\0").decode("ascii"), parts.pop("config_hash").hex()
        numbers: dict[str, Any] = {name: int.from_bytes(value, "little") for name, value in parts.items()}
        return Identity(engine=engine, config_hash=digest, **numbers)

    def require(self, engine: str, config: Any, job: Job) -> Identity:
        """The board's identity.

        Raises:
            InputError: it has another engine or config than the job is for, or too little memory.
        """
        found, digest = self.identify(), config_hash(config)
        if (found.engine, found.config_hash) != (engine, digest):
            raise InputError(
                f"the job needs a board with {engine}, config {digest}; "
                f"the bitstream on {self.line.port} has {found.engine}, config {found.config_hash}"
            )
        needed = job.result_address + job.result_bytes
        if needed > found.memory_bytes:
            raise InputError(f"the board's memory of {found.memory_bytes} bytes must hold the job, which has {needed}")
        return found

    def reset(self) -> None:
        """Begins a session: no job is under way, and the memory is this host's."""
        session = secrets.randbits(32) or 1
        self.exchange.session = 0
        self.exchange.ask(Command.RESET, pack(COMMANDS[Command.RESET].arguments, session))
        self.exchange.session, self._job = session, 0

    def write(self, address: int, data: bytes) -> None:
        """Loads whole words into memory."""
        fields = COMMANDS[Command.WRITE].arguments
        self.exchange.ask_all(
            Command.WRITE,
            [pack(fields, address + k) + data[k : k + DATA_BYTES] for k in range(0, len(data), DATA_BYTES)],
        )

    def read(self, address: int, count: int) -> bytes:
        """Whole words of memory."""
        fields = COMMANDS[Command.READ].arguments
        asked = [(k, min(DATA_BYTES, count - k)) for k in range(0, count, DATA_BYTES)]
        return b"".join(self.exchange.ask_all(Command.READ, [pack(fields, address + k, size) for k, size in asked]))

    def status(self) -> dict[str, int]:
        """How the job and the link are, by the names of the protocol's table."""
        parts = unpack(COMMANDS[Command.STATUS].answer, self.exchange.ask(Command.STATUS))
        return {name: int.from_bytes(value, "little") for name, value in parts.items()}

    def start(self, address: int) -> None:
        """Starts the job whose header lies at the address."""
        self._job = self._job % 255 + 1
        self.exchange.ask(Command.START, pack(COMMANDS[Command.START].arguments, address, self._job))

    def wait(self) -> dict[str, int]:
        """The status at the job's end.

        Raises:
            LinkError: it reached beyond the memory, or moved no word for `patience.idle`.
        """
        look, moved, since = FIRST_LOOK, -1, time.monotonic()
        while True:
            status = self.status()
            if not status["flags"] & BUSY_FLAG:
                break
            words = status["words_read"] + status["words_written"]
            if words != moved:
                moved, since = words, time.monotonic()
            elif time.monotonic() - since > self.patience.idle:
                raise LinkError(f"the job hangs: no word has moved for {self.patience.idle:g} s")
            time.sleep(look)
            look = min(2 * look, LONGEST_LOOK)
        if status["flags"] & FAULT_FLAG:
            raise LinkError("the job has reached beyond the memory's end")
        return status

    def do(self, engine: str, config: Any, job: Job) -> Finished:
        """Loads a job, runs it, and reads what it left.

        Raises:
            InputError: the board is not for this job. LinkError: link or job failed.
        """
        identity = self.require(engine, config, job)
        self.reset()
        self.write(0, _padded(job.data, config.word_bytes))
        begin = time.monotonic()
        self.start(job.header_address)
        status = self.wait()
        seconds = time.monotonic() - begin
        data = self.read(job.result_address, -(-job.result_bytes // config.word_bytes) * config.word_bytes)
        counters = self.exchange.ask(Command.COUNTERS)
        if len(counters) != identity.counter_bytes:
            raise LinkError(f"the board gives {len(counters)} bytes of counters, it promised {identity.counter_bytes}")
        return Finished(
            data=np.frombuffer(data, np.uint8)[: job.result_bytes],
            counters=int.from_bytes(counters, "little"),
            words_read=status["words_read"],
            words_written=status["words_written"],
            job_seconds=seconds,
        )


def _padded(data: Bytes, word: int) -> bytes:
    return data.tobytes() + bytes(-len(data) % word)
