"""The protocol between host and board, as one table that hardware, host and documentation are made from.

Docs: docs/fpga.md, section "The host link".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from zlib import crc32

VERSION = 1  #: of this table; `IDENTIFY` keeps its code and its first byte in all of them
START_BYTE = 0xA5
ANSWER = 0x80  #: added to a command's code in the frame that answers it
DATA_BYTES = 256  #: of memory or counters, at most, in one frame


class Command(IntEnum):
    """What the host can ask for."""

    IDENTIFY = 1
    RESET = 2
    WRITE = 3
    READ = 4
    START = 5
    STATUS = 6
    COUNTERS = 7


class Status(IntEnum):
    """The first byte of every answer."""

    DONE = 0
    UNKNOWN = 1
    LENGTH = 2
    PLACE = 3
    BUSY = 4


#: For people: what a status says.
STATUS_TEXT: Mapping[int, str] = {
    Status.DONE.value: "done, or done before",
    Status.UNKNOWN.value: "no such command",
    Status.LENGTH.value: "the payload has not the command's length, or the data is empty, too long, or not whole words",
    Status.PLACE.value: "the bytes do not begin at a word, or reach beyond the memory's end",
    Status.BUSY.value: "a job is under way",
}


@dataclass(frozen=True)
class Field:
    """A number, or text, in a payload; the lowest byte comes first."""

    name: str
    size: int  #: bytes
    meaning: str


@dataclass(frozen=True)
class Row:
    """A command: what it carries, what its answer carries behind the status, and what it does."""

    arguments: tuple[Field, ...]
    answer: tuple[Field, ...]
    meaning: str
    while_busy: bool = True  #: it is obeyed while a job is under way
    carries: bool = False  #: data follows its arguments
    brings: bool = False  #: data follows its answer's fields


_ADDRESS = Field("address", 4, "in bytes, of a word")
HEADER = (
    Field("length", 2, "bytes of the payload"),
    Field("sequence", 1, "the answer has the same"),
    Field("command", 1, f"the code; an answer's has {ANSWER:#x} added"),
)
COMMANDS: Mapping[Command, Row] = {
    Command.IDENTIFY: Row(
        (),
        (
            Field("protocol", 1, "version of this table"),
            Field("engine", 16, "name, ASCII, filled up with zeros"),
            Field("config_hash", 6, "the 12 digits, two a byte, the first digits first"),
            Field("word_bytes", 2, "bytes of a memory word"),
            Field("memory_bytes", 4, "bytes of the memory"),
            Field("counter_bytes", 2, "bytes of all counters"),
        ),
        "What is on the board.",
    ),
    Command.RESET: Row(
        (Field("session", 4, "kept until the next RESET or loss of power"),),
        (),
        "Engine and memory port are reset, the job number and the link's counts become 0; memory is undefined.",
    ),
    Command.WRITE: Row((_ADDRESS,), (), "Writes the data, whole words, to memory.", while_busy=False, carries=True),
    Command.READ: Row(
        (_ADDRESS, Field("count", 2, f"bytes, whole words, at most {DATA_BYTES}")),
        (),
        "Reads memory.",
        while_busy=False,
        brings=True,
    ),
    Command.START: Row(
        (_ADDRESS, Field("job", 1, "1 to 255, another than the last job's")),
        (),
        "Starts the job whose header lies at the address. Obeyed once for a job number.",
        while_busy=False,
    ),
    Command.STATUS: Row(
        (),
        (
            Field("session", 4, "of the last RESET, 0 after power-up"),
            Field("job", 1, "number of the last job, 0 if there was none"),
            Field("flags", 1, "bit 0: the job is under way; bit 1: it reached beyond the memory's end"),
            Field("words_read", 5, "words that the job has read from memory"),
            Field("words_written", 5, "words that it has written to it"),
            Field("framing", 2, "bytes without their stop bit"),
            Field("lost", 2, "bytes for which there was no room"),
            Field("bad_crc", 2, "frames with a wrong CRC"),
            Field("bad_length", 2, "frames with an impossible length"),
            Field("timed_out", 2, "frames that broke off"),
        ),
        "How the job and the link are. Counts of the link stop at 65,535; words may be torn while the job runs.",
    ),
    Command.COUNTERS: Row(
        (), (), "The engine's counters, 5 bytes each, in the order of its documentation.", while_busy=False, brings=True
    ),
}
BUSY_FLAG, FAULT_FLAG = 1, 2


def size_of(fields: Iterable[Field]) -> int:
    """Bytes of all fields together."""
    return sum(field.size for field in fields)


HEADER_BYTES, CRC_BYTES = size_of(HEADER), 4
#: Of a request: a whole frame of data to write. An answer is shorter.
PAYLOAD_BYTES = DATA_BYTES + max(size_of(row.arguments) for row in COMMANDS.values() if row.carries)


def encode(command: int, sequence: int, payload: bytes) -> bytes:
    """A frame: start byte, header, payload, and the CRC-32 of zip and Ethernet over the two."""
    covered = len(payload).to_bytes(2, "little") + bytes((sequence, command)) + payload
    return bytes((START_BYTE,)) + covered + crc32(covered).to_bytes(CRC_BYTES, "little")


def pack(fields: Sequence[Field], *values: int) -> bytes:
    """The fields' bytes for their values."""
    return b"".join(value.to_bytes(field.size, "little") for field, value in zip(fields, values, strict=True))


def unpack(fields: Sequence[Field], data: bytes) -> dict[str, bytes]:
    """Of every field its bytes.

    Raises:
        ValueError: `data` has not their length.
    """
    if len(data) != size_of(fields):
        raise ValueError(f"an answer of {size_of(fields)} bytes has {len(data)}")
    found, place = {}, 0
    for field in fields:
        found[field.name] = data[place : place + field.size]
        place += field.size
    return found


def identity(engine: str, config_hash: str, *, word_bytes: int, memory_bytes: int, counter_bytes: int) -> bytes:
    """What `IDENTIFY` answers.

    Raises:
        ValueError: a name of more than 16 letters.
    """
    fields = COMMANDS[Command.IDENTIFY].answer
    name = engine.encode("ascii")
    if len(name) > fields[1].size:
        raise ValueError(f"an engine's name has at most {fields[1].size} letters, '{engine}' has {len(name)}")
    values = VERSION, int.from_bytes(name, "little"), int.from_bytes(bytes.fromhex(config_hash), "little")
    return pack(fields, *values, word_bytes, memory_bytes, counter_bytes)


def documentation() -> str:
    """The tables of docs/fpga.md: frame, commands, answers and statuses, in Markdown."""
    frame = (
        Field("start", 1, f"`{START_BYTE:#04x}`"),
        *HEADER,
        Field("payload", 0, f"at most {PAYLOAD_BYTES} bytes"),
        Field("crc", CRC_BYTES, "CRC-32 (zip, Ethernet) of header and payload"),
    )
    parts = [
        _table(("Part of a frame", "Bytes", "Meaning"), ((f.name, f.size or "length", f.meaning) for f in frame)),
        _table(
            ("Command", "Code", "Payload", "Answer, behind the status", "Meaning"),
            (
                (c.name, c.value, _listed(r.arguments, r.carries), _listed(r.answer, r.brings), r.meaning)
                for c, r in COMMANDS.items()
            ),
        ),
        _table(
            ("Field of", "Name", "Bytes", "Meaning"),
            (
                (c.name, f.name, f.size, f.meaning)
                for c, r in COMMANDS.items()
                for f in (*r.arguments, *r.answer)
                if f != _ADDRESS
            ),
        ),
        _table(("Status", "Code", "Meaning"), ((Status(code).name, code, text) for code, text in STATUS_TEXT.items())),
    ]
    return "\n\n".join(parts) + "\n"


def _listed(fields: Iterable[Field], data: bool) -> str:
    return ", ".join([*(f"{field.name} ({field.size})" for field in fields), *(["data"] if data else [])]) or "–"


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
