"""No value is lost by a conversion: it is held, rounded as a float is, or refused with its place."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from golden.arrays import UNREADABLE, convert, npz_arrays, numbers, reason
from golden.errors import InputError

INT32 = "int32 holds whole numbers from -2147483648 to 2147483647, not"


def one_bad(kind: str, value: float) -> np.ndarray:
    array = np.ones((2, 3), kind)
    array[1, 2] = value
    return array


@pytest.mark.parametrize(
    ("array", "target", "message"),
    [
        (one_bad("u4", 2**31), "<i4", f"{INT32} 2147483648 at [1, 2]"),
        (one_bad("u8", 2**64 - 1), "<i4", f"{INT32} 18446744073709551615 at [1, 2]"),
        (one_bad("i8", -(2**31) - 1), "<i4", f"{INT32} -2147483649 at [1, 2]"),
        (one_bad("f4", 1.5), "<i4", f"{INT32} 1.5 at [1, 2]"),
        (one_bad("f8", 2.0**31), "<i4", f"{INT32} 2147483648.0 at [1, 2]"),
        (one_bad("f2", np.inf), "<i4", f"{INT32} inf at [1, 2]"),
        (one_bad("f4", np.nan), "<i4", f"{INT32} nan at [1, 2]"),
        (np.full((2, 3), 0.5), "<i4", f"{INT32} 0.5 at [0, 0], and 5 more"),
        (one_bad("f4", 65520), "<f2", "float16 holds numbers up to 65504, not 65520.0 at [1, 2]"),
        (one_bad("f8", -1e39), "<f4", "float32 holds numbers up to 3.40282e+38, not -1e+39 at [1, 2]"),
        (one_bad("i4", 2049), "<f2", "float16 holds numbers up to 65504 and integers of 11 bits, not 2049 at [1, 2]"),
        (one_bad("i4", 65536), "<f2", "integers of 11 bits, not 65536 at [1, 2]"),
        (one_bad("i8", 2**63 - 1), "<f4", "integers of 24 bits, not 9223372036854775807 at [1, 2]"),
        (one_bad("u8", 2**64 - 1), "<f4", "integers of 24 bits, not 18446744073709551615 at [1, 2]"),
        (np.ones((2, 3), np.longdouble), "<f4", f"16 to 64 bits, a bfloat16 or an integer, it is {np.dtype('g')}"),
        (np.ones((2, 3), "c8"), "<f4", "it is complex64"),
        (np.ones((2, 3), bool), "<i4", "it is bool"),
        (np.zeros((2, 3), "V1"), "<f4", "it is |V1"),
    ],
)
def test_refused(array: np.ndarray, target: str, message: str) -> None:
    with pytest.raises(InputError) as refusal:
        convert("x", array, target)
    assert str(refusal.value).startswith("x")
    assert str(refusal.value).endswith(message)


@pytest.mark.parametrize(
    ("array", "target"),
    [
        (np.array([[-(2.0**31), 2.0**31 - 1, -0.0]]), "<i4"),
        (np.array([[2**31 - 1, 0]], "u8"), "<i4"),
        (np.array([[-(2**63), 2**62 + 2**39]], "i8"), "<f4"),
        (np.array([[2048, 4096, -65504, 0]], "i4"), "<f2"),
        (np.array([[np.nan, np.inf, -np.inf, 0.5]]), "<f2"),
        (np.array([[1.5, -3e38]], ">f4"), "<f4"),
        (np.zeros((2, 0), "f8"), "<i4"),
    ],
)
def test_held(array: np.ndarray, target: str) -> None:
    found = convert("x", array, target)
    assert found.dtype == np.dtype(target)
    assert np.array_equal(found.astype(array.dtype), array, equal_nan=array.dtype.kind == "f")


def test_floats_are_rounded() -> None:
    assert convert("x", np.array([0.1, 1e-9, 65519.0]), "<f2").tolist() == [np.float16(0.1), 0, 65504]


@given(st.integers(-(2**63), 2**64 - 1), st.sampled_from(["<i4", "<f4", "<f2"]))
def test_integers_stay_exact_or_are_refused(value: int, target: str) -> None:
    kind = "u8" if value >= 2**63 else "i8"
    try:
        found = convert("x", np.array([value], kind), target)[0]
    except InputError:
        top = {"<i4": 2**31 - 1, "<f4": 2**24, "<f2": 2**11}[target]
        assert abs(value) > top
        return
    assert int(found) == value


def test_bfloat16_by_its_bits() -> None:
    values = torch.randn(2, 5).bfloat16()
    written = values.view(torch.int16).numpy().view("V2")
    assert numbers("x", written).tolist() == values.float().tolist()


def test_files_that_are_no_archive(tmp_path: Path) -> None:
    """Damaged, cut, no archive at all: an error that the readers know, with a reason of one line."""
    np.savez_compressed(tmp_path / "good.npz", a=np.random.default_rng(2).random(4000), b=np.zeros(3))
    good = (tmp_path / "good.npz").read_bytes()
    np.save(tmp_path / "one.npy", np.zeros(3))
    one = (tmp_path / "one.npy").read_bytes()
    damaged = good[:200] + bytes(byte ^ 0x5A for byte in good[200:4000]) + good[4000:]
    huge = one.replace(b"(3,), }".ljust(20), b"(99999999999999,), }")
    assert list(npz_arrays(tmp_path / "good.npz", ("b", "c"))) == ["b"]
    for content in (b"", b"PK\x03\x04 not an archive", good[:1000], damaged, one, huge):
        (tmp_path / "bad.npz").write_bytes(content)
        with pytest.raises(UNREADABLE) as refusal:
            npz_arrays(tmp_path / "bad.npz", ("a",))
        assert reason(refusal.value)
        assert "\n" not in reason(refusal.value)
    assert reason(MemoryError()) == "MemoryError"


def test_a_signalling_nan_is_refused_without_a_warning() -> None:
    array = np.ones((2, 3), np.float64)
    array.view(np.uint64)[1, 2] = 0x7FF0000000000001
    with pytest.raises(InputError, match=r"not nan at \[1, 2\]"):
        convert("x", array, "<i4")


def test_a_member_that_is_no_array_is_unreadable(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("a.npy", b"text")
    with pytest.raises(ValueError, match="a is no array"):
        npz_arrays(tmp_path / "a.npz", ("a",))


@pytest.mark.parametrize("shape", [b"((((", b"(7" + 60 * b"7" + b",)", b"(03,)"])
def test_a_header_that_python_cannot_read_is_unreadable(tmp_path: Path, shape: bytes) -> None:
    np.save(tmp_path / "a.npy", np.zeros(3))
    raw = (tmp_path / "a.npy").read_bytes()
    header = raw[10:].partition(b"\n")[0].replace(b"(3,)", shape).rstrip()
    (tmp_path / "a.npy").write_bytes(raw[:10] + header.ljust(raw[8] + 256 * raw[9] - 1) + b"\n" + bytes(24))
    with pytest.raises(UNREADABLE):
        np.load(tmp_path / "a.npy")
