"""What a host makes of answers that no right board gives."""

from __future__ import annotations

from typing import Any

import pytest

from fpga.errors import LinkError
from fpga.exchange import Patience
from fpga.host import Host
from fpga.link.protocol import COMMANDS, Command, identity, pack, size_of
from golden.errors import InputError
from tests.fpga.inverter import WORD, Config, inversion

IDENTITY = identity("inverter", "6d375d560e5b", word_bytes=WORD, memory_bytes=1 << 20, counter_bytes=10)


class Line:
    """A port that is never used."""

    port = "/dev/board"


class Answers:
    """In place of an exchange: the same answer to every request of a command, and a log of them."""

    def __init__(self, answers: dict[Command, bytes]) -> None:
        self.answers, self.asked, self.session = answers, [], 0

    def ask(self, command: Command, payload: bytes = b"") -> bytes:
        self.asked.append(command)
        return self.answers[command]

    def ask_all(self, command: Command, payloads: list[bytes]) -> list[bytes]:
        return [self.ask(command, payload) for payload in payloads]


def host(answers: dict[Command, bytes], **patience: Any) -> Host:
    made = Host(Line(), Patience(**patience))  # type: ignore[arg-type]
    made.exchange = Answers(answers)  # type: ignore[assignment]
    return made


def test_another_version_of_the_protocol_is_refused() -> None:
    """Whatever follows the version's byte."""
    for answer in (b"\x02", b"\x02 and more"):
        with pytest.raises(InputError, match=r"board must speak version 1 of the protocol, its is 2: build"):
            host({Command.IDENTIFY: answer}).identify()


def test_a_job_that_moves_no_word_hangs() -> None:
    """It is under way, and stays so."""
    fields = COMMANDS[Command.STATUS].answer
    status = pack(fields, *(1 if field.name == "flags" else 0 for field in fields))
    with pytest.raises(LinkError, match=r"the job hangs: no word has moved for 0\.05 s$"):
        host({Command.STATUS: status}, idle=0.05).wait()


def test_a_board_that_breaks_its_promise_of_counters_is_refused() -> None:
    """An answer that would be read as other counters."""
    answers = {
        Command.IDENTIFY: IDENTITY,
        Command.RESET: b"",
        Command.WRITE: b"",
        Command.START: b"",
        Command.STATUS: bytes(size_of(COMMANDS[Command.STATUS].answer)),
        Command.READ: bytes(WORD),
        Command.COUNTERS: bytes(5),
    }
    asked = host(answers)
    with pytest.raises(LinkError, match=r"gives 5 bytes of counters, it promised 10$"):
        asked.do("inverter", Config(), inversion(1).memory)


def test_job_numbers_come_round_and_are_never_0() -> None:
    """Which would start nothing."""
    asked = host({Command.START: b"", Command.RESET: b""})
    numbers = set()
    for _ in range(600):
        asked.start(0)
        numbers.add(asked._job)
    assert numbers == set(range(1, 256))
    asked.reset()
    asked.start(0)
    assert asked._job == 1
