"""Requests and their answers over a line that loses, repeats and spoils bytes."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from fpga.errors import LineDownError, LinkError, RestartedError
from fpga.link.deframer import Deframer, Frame
from fpga.link.protocol import ANSWER, COMMANDS, STATUS_TEXT, Command, Status, encode, unpack
from fpga.serial_line import SerialLine

WINDOW = 8  # requests under way; what is not yet obeyed of them waits in the board's queue


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long the host waits."""

    answer: float = 1.0  #: seconds for an answer, before what has none is sent again
    silences: int = 5  #: so many times in a row, before the board counts as dead
    tries: int = 32  #: of one request on a line that does bring answers
    cable: float = 30.0  #: seconds for a port that is gone to come back
    idle: float = 60.0  #: seconds in which a job must move a word of memory


@dataclass
class _Request:
    """One that is under way."""

    place: int  # among all
    frame: bytes
    tries: int = 0


class Exchange:
    """Sends requests, up to `WINDOW` at a time, until each has its answer.

    The board answers in the order of the requests. So an answer tells that requests which were sent before and have
    none are lost, and they are sent again at once; where no answer comes at all, all are sent again after
    `patience.answer`. A request may therefore reach the board twice, which does no harm.

    A port that goes away is waited for, and work goes on where it was, if the board still has `session`.
    """

    def __init__(self, line: SerialLine, patience: Patience) -> None:
        self.line, self.patience = line, patience
        self.session = 0  #: what the board must still know after the port was gone; 0: nothing
        self.sent_again = 0  #: frames that were sent more than once
        self._deframer = Deframer()
        self._sequence = 0

    def ask(self, command: Command, payload: bytes = b"") -> bytes:
        """The answer to one request, without its status; errors as of `ask_all`."""
        return self.ask_all(command, [payload])[0]

    def ask_all(self, command: Command, payloads: Sequence[bytes]) -> list[bytes]:
        """The answers to requests that do not depend on each other.

        Raises:
            LinkError: there is none, or a request is refused. RestartedError: the board has lost its memory.
        """
        answers: list[bytes] = [b""] * len(payloads)
        waiting = deque(enumerate(payloads))
        sent: dict[int, _Request] = {}  # by sequence number, in the order in which they went
        lost: list[int] = []  # of those, what has to go again
        silences = 0
        while waiting or sent:
            try:
                self._send_again(sent, lost)
                self._send_more(command, waiting, sent)
                frames = self._receive()
            except LineDownError:
                self._reconnect()
                lost = list(sent)
                continue
            silences = 0 if frames else silences + 1
            self._refuse_silence(silences)
            lost = [] if frames else list(sent)
            for frame in frames:
                if frame.sequence in sent and frame.command == command | ANSWER:
                    lost += _before(sent, frame.sequence)
                    answers[sent.pop(frame.sequence).place] = _content(command, frame)
            lost = [number for number in dict.fromkeys(lost) if number in sent]
        return answers

    def _send_more(self, command: Command, waiting: deque[tuple[int, bytes]], sent: dict[int, _Request]) -> None:
        """As many as the window holds."""
        while waiting and len(sent) < WINDOW:
            place, payload = waiting.popleft()
            self._sequence = (self._sequence + 1) % 256
            sent[self._sequence] = _Request(place, encode(command, self._sequence, payload))
            self._send(sent[self._sequence])

    def _send(self, request: _Request) -> None:
        if request.tries == self.patience.tries:
            tried = f"no answer to a frame that was sent {request.tries} times"
            raise LinkError(f"the line to {self.line.port} spoils too much: {tried}")
        request.tries += 1
        self.line.write(request.frame)

    def _send_again(self, sent: dict[int, _Request], numbers: Sequence[int]) -> None:
        """These requests go once more, and stand behind the others from now on."""
        for number in numbers:
            sent[number] = sent.pop(number)
            self._send(sent[number])
            self.sent_again += 1

    def _receive(self) -> list[Frame]:
        """The next frames; none if there are none for `patience.answer`."""
        deadline = time.monotonic() + self.patience.answer
        while time.monotonic() < deadline:
            frames = self._deframer.feed(self.line.read())
            if frames:
                return frames
        return self._deframer.give_up()

    def _refuse_silence(self, silences: int) -> None:
        if silences >= self.patience.silences:
            asked = f"{silences} times asked, {self.patience.answer:g} s each"
            raise LinkError(f"the board on {self.line.port} does not answer: {asked}")

    def _reconnect(self) -> None:
        """Waits for the port, and sees to it that the board is what it was.

        Raises:
            LinkError: the port does not come back. RestartedError: the board has lost its memory.
        """
        self.line.reopen(self.patience.cable)
        self._deframer = Deframer()
        if self.session:
            fields = COMMANDS[Command.STATUS].answer
            status = unpack(fields, self.ask(Command.STATUS))
            if int.from_bytes(status["session"], "little") != self.session:
                raise RestartedError(f"the board on {self.line.port} has restarted: its memory is lost")


def _before(sent: dict[int, _Request], number: int) -> list[int]:
    """The requests that went before this one."""
    return list(takewhile(lambda other: other != number, sent))


def _content(command: Command, frame: Frame) -> bytes:
    """What stands behind the status.

    Raises:
        LinkError: the board has refused the request.
    """
    status, content = frame.payload[:1], frame.payload[1:]
    if status != bytes((Status.DONE,)):
        code = int.from_bytes(status, "little")
        raise LinkError(f"the board refuses {command.name}: {STATUS_TEXT.get(code, f'status {code}')}")
    return content
