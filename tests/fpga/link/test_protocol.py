"""The table of the protocol: frames, fields, and the page that is made from it."""

from __future__ import annotations

import random

import pytest

from fpga.link.deframer import Deframer, Frame
from fpga.link.protocol import (
    COMMANDS,
    HEADER,
    PAYLOAD_BYTES,
    START_BYTE,
    VERSION,
    Command,
    documentation,
    encode,
    identity,
    pack,
    size_of,
    unpack,
)
from hw.generate import ROOT

FRAMES = [(0x81, 3, b"\x00"), (0x84, 255, b"\x00" + bytes((START_BYTE,)) * 40), (0x82, 0, b"\x04")]


def framed(frames: list[tuple[int, int, bytes]]) -> list[Frame]:
    return [Frame(command=c, sequence=s, payload=p) for c, s, p in frames]


def crc_by_bits(data: bytes) -> int:
    """The CRC-32 of zip and Ethernet as it is defined."""
    crc = 0xFFFF_FFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xEDB8_8320 if crc & 1 else 0)
    return crc ^ 0xFFFF_FFFF


def test_a_frame_is_what_the_page_says() -> None:
    """Byte by byte, with the CRC of the definition, which has a well-known value."""
    assert crc_by_bits(b"123456789") == 0xCBF4_3926
    covered = bytes((0x03, 0x00, 9, 6)) + b"abc"
    assert encode(6, 9, b"abc") == b"\xa5" + covered + crc_by_bits(covered).to_bytes(4, "little")


@pytest.mark.parametrize("step", [1, 3, 1000])
def test_frames_are_found_in_pieces_and_among_noise(step: int) -> None:
    line = b"\xa5\x00" + b"".join(b"noise" + encode(*frame) for frame in FRAMES)
    deframer, found = Deframer(), []
    for k in range(0, len(line), step):
        found += deframer.feed(line[k : k + step])
    assert found + deframer.give_up() == framed(FRAMES)


def test_a_frame_behind_a_broken_one_is_found() -> None:
    """Where bytes are missing, the next frame lies inside of what was taken for the first."""
    rng = random.Random(1)
    for _ in range(200):
        line = bytearray(encode(*FRAMES[1]))
        del line[rng.randrange(len(line))]
        deframer = Deframer()
        found = deframer.feed(bytes(line) + encode(*FRAMES[0]) + encode(*FRAMES[2]))
        while deframer._held:
            found += deframer.give_up()
        assert found == framed([FRAMES[0], FRAMES[2]])


def test_fields_are_packed_as_they_are_unpacked() -> None:
    fields = COMMANDS[Command.STATUS].answer
    values = [(1 << 8 * field.size) - 1 - k for k, field in enumerate(fields)]
    parts = unpack(fields, pack(fields, *values))
    assert [int.from_bytes(part, "little") for part in parts.values()] == values
    with pytest.raises(ValueError, match="an answer of 31 bytes has 30"):
        unpack(COMMANDS[Command.IDENTIFY].answer, bytes(30))


def test_identity_says_what_is_on_the_board() -> None:
    data = identity("splat", "0a1676534b75", word_bytes=16, memory_bytes=1 << 20, counter_bytes=180)
    parts = unpack(COMMANDS[Command.IDENTIFY].answer, data)
    assert parts["protocol"] == bytes((VERSION,))
    assert parts["engine"].rstrip(b"\0") == b"splat"
    assert parts["config_hash"].hex() == "0a1676534b75"
    with pytest.raises(ValueError, match="at most 16 letters, 'seventeen letters' has 17"):
        identity("seventeen letters", "00" * 6, word_bytes=4, memory_bytes=4, counter_bytes=0)


def test_hardware_and_table_agree_on_the_header() -> None:
    """The layout's fields are the table's, in name, order and width."""
    from fpga.link.layouts import ArgumentLayout, FaultLayout, HeaderLayout

    assert {f.name: 8 * f.size for f in HEADER} == HeaderLayout().members
    assert [f.name for f in COMMANDS[Command.STATUS].answer[-5:]] == list(FaultLayout().members)
    for row in COMMANDS.values():
        assert 8 * size_of(row.arguments) <= ArgumentLayout().size
    assert PAYLOAD_BYTES == 260


def test_the_page_has_the_table() -> None:
    """What `documentation` gives stands in docs/fpga.md."""
    assert documentation() in (ROOT / "docs" / "fpga.md").read_text()
