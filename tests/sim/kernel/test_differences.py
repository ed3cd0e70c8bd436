from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from amaranth.lib import data

from hw.lib.fields import PlacedField
from sim.kernel.compare import StageStream, first_difference, first_stage, last_write, picture_difference
from sim.kernel.differences import Difference, Field
from sim.kernel.streams import first_difference as first_payload

FIELDS = [PlacedField("low", 0, 5, False), PlacedField("high", 5, 4, True)]
PLAIN = [PlacedField("", 0, 128, False)]
SENT = [3, 1, 4, 15, 9, 26, 5]


def difference(expected: Sequence[int], found: Sequence[int], fields: Sequence[PlacedField] = PLAIN) -> Difference:
    """There is one."""
    first = first_payload("o", expected, found, fields, cycles=[10 * k for k in range(len(found))])
    assert first
    return first


def test_equal_streams_have_no_difference() -> None:
    """Equality is silent, and so is a difference under the mask."""
    assert first_payload("o", [1, 2], [1, 2], FIELDS) is None
    assert first_payload("o", [1, 2], [33, 2], FIELDS, masks=[0b11111, 0]) is None


def test_only_fields_that_differ_are_named() -> None:
    """With both values, the count and the cycle, in a line and in a table."""
    first = difference([3, 0b1110_00011, 7, 8], [3, 0b0001_00011, 7, 9], FIELDS)
    assert str(first) == "o: payload 1 high: expected -2, got 1 (of 4 payloads 2 differ)"
    assert first.table().splitlines() == [
        "o: payload 1, cycle 10: of 4 payloads 2 differ",
        "  field  expected  found",
        "  high         -2      1",
    ]


def test_masks_hide_fields() -> None:
    """A field whose bits do not count is not named, whatever it holds."""
    first = first_payload("o", [0b0001_00000], [0b0010_00001], FIELDS, masks=[0b1111_00000])
    assert first
    assert [field.name for field in first.fields] == ["high"]


def test_wide_words_are_hexadecimal() -> None:
    """No decimal of 39 digits."""
    first = difference([1 << 127], [(1 << 127) + 1])
    assert first.fields == [Field("", "0x80000000000000000000000000000000", "0x80000000000000000000000000000001")]


def test_missing_and_surplus_payloads() -> None:
    """A stream that ends early or late is told from one with wrong payloads."""
    short, long = difference(SENT, SENT[:5]), difference(SENT, [*SENT, 1, 2])
    assert str(short) == "o: payload 5: expected 26, got nothing (of 7 payloads 2 are missing)"
    assert str(long) == "o: payload 7: expected nothing, got 1 (of 7 payloads 2 are too many)"
    assert str(difference([1], [])) == "o: payload 0: expected 1, got nothing (of 1 payloads 1 are missing)"


def test_a_shift_is_one_difference() -> None:
    """A payload that is lost or added in the middle makes all that follow differ; that is said, and not counted."""
    rest = "from there on the stream equals the expected one shifted by one"
    assert difference(SENT, [*SENT[:2], *SENT[3:]]).extent == f"payload 2 is missing; {rest}"
    assert difference(SENT, [*SENT[:2], 7, *SENT[2:]]).extent == f"payload 2 is one more; {rest}"
    assert difference(SENT, [*SENT[:2], *SENT[3:6], 8]).extent == "of 7 payloads 4 differ, 1 are missing"


def test_a_pixel_is_a_place_with_fields() -> None:
    """Channels that differ, words and pixels counted, and a picture in which the pixel is white."""
    axes = {"framebuffer": ("y", "x", tuple("rgba"))}
    expected = {"framebuffer": np.full((4, 5, 4), 90, np.uint8)}
    got = {"framebuffer": expected["framebuffer"].copy()}
    got["framebuffer"][2, 3, 1:3] = 91, 92
    got["framebuffer"][3, 0, 0] = 1
    first = first_difference(expected, got, axes)
    assert first
    assert first.fields == [Field("g", "90", "91"), Field("b", "90", "92")]
    assert str(first) == "framebuffer: y 2 x 3 g: expected 90, got 91 (3 of 80 words differ, in 2 of 20 pixels)"
    picture = picture_difference(expected, got, axes)
    assert picture is not None
    assert picture.shape == (4, 5, 3)
    assert (picture == 255).all(-1).sum() == 2
    assert picture[2, 3, 0] == 255
    assert picture[0, 0].tolist() == [30, 30, 30]


def test_fields_of_one_stage_are_shown_together() -> None:
    """Two of three differ at the same index; another stage's do not count."""
    count = np.arange(3)
    expected = {"log.hash": count + 0x10000, "log.cluster": count, "log.new": count, "other": count}
    got = {name: array.copy() for name, array in expected.items()}
    got["log.hash"][1] += 1
    got["log.new"][1] += 1
    got["other"][:] = 7
    first = first_difference(expected, got, {"log": ("token",)})
    assert first
    assert first.place == "log: token 1"
    assert first.fields == [Field("hash", "0x10001", "0x10002"), Field("new", "1", "2")]


def test_a_recorded_stream_names_field_and_cycle(tmp_path: Path) -> None:
    """Of the second group's first wrong payload, only the field that differs."""
    layout = data.StructLayout({"a": 8, "b": 8, "end": 1})
    tap = tmp_path / "stage.hex"
    tap.write_text("00201 11\n10000 12\n00403 15\n00405 16\n10000 17\n")
    groups = [[{"a": 1, "b": 2}], [{"a": 3, "b": 4}, {"a": 5, "b": 6}]]
    first = first_stage({"stage": StageStream(layout=layout, groups=groups, end="end")}, {"stage": tap})
    assert first
    assert first.table().splitlines()[0] == "stage: group 1 index 1, cycle 16: of 2 payloads 1 differ"
    assert first.fields == [Field("b", "6", "4")]
    groups[1][1]["b"] = 4
    assert first_stage({"stage": StageStream(layout=layout, groups=groups, end="end")}, {"stage": tap}) is None


def test_the_last_write_of_a_byte(tmp_path: Path) -> None:
    """Of the word that holds it; the address is in a payload's lowest 32 bits."""
    tap = tmp_path / "writes.hex"
    tap.write_text("ab00000040 5\ncd00000048 6\nef00000040 9\n")
    assert [last_write(tap, address, 8) for address in (0x40, 0x47, 0x48, 0x50)] == [9, 9, 6, None]
