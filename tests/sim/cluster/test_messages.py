"""Messages from files: the network runs on the numbers that the file holds, or says why not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.sim.conftest import Tessera

REDUCE = ("reduce", "--config", "tiny", "--backend", "model", "--input")


@pytest.mark.parametrize(
    ("values", "form", "message"),
    [
        (np.full((4, 16), 2**32 - 1, np.uint32), "integer", "not 4294967295 at [0, 0], and 63 more"),
        (np.full((4, 16), 2**40, np.int64), "integer", "not 1099511627776 at [0, 0], and 63 more"),
        (np.full((4, 16), np.nan, np.float32), "integer", "not nan at [0, 0], and 63 more"),
        (np.full((4, 16), 1e5, np.float32), "half", "float16 holds numbers up to 65504, not 100000.0 at [0, 0]"),
        (np.full((4, 16), 1e5, np.float32), "mixed", "float16 holds numbers up to 65504, not 100000.0 at [0, 0]"),
        (np.full((4, 16), 1e300), "single", "float32 holds numbers up to 3.40282e+38, not 1e+300 at [0, 0]"),
        (np.full(64, 1.0), "single", "messages must be an array of numbers [nodes, elements]"),
        (np.full((4, 16), "1"), "single", "messages must be a float of 16 to 64 bits"),
    ],
)
def test_refused(tessera: Tessera, values: np.ndarray, form: str, message: str, tmp_path: Path) -> None:
    np.save(tmp_path / "in.npy", values)
    outcome = tessera(*REDUCE, tmp_path / "in.npy", "--format", form, "--out", tmp_path / "out.npy")
    assert outcome.status == 2
    assert message in outcome.err
    assert outcome.err.count("\n") == 1
    assert not (tmp_path / "out.npy").exists()


def test_whole_floats_are_integers(tessera: Tessera, tmp_path: Path) -> None:
    np.save(tmp_path / "in.npy", np.full((4, 16), -3.0))
    outcome = tessera(*REDUCE, tmp_path / "in.npy", "--format", "integer", "--out", tmp_path / "out.npy")
    assert (outcome.status, outcome.err) == (0, "")
    assert np.load(tmp_path / "out.npy").tolist() == [[-12] * 16] * 4


def test_vanishing_numbers_are_counted(tessera: Tessera, tmp_path: Path) -> None:
    values = np.ones((4, 16), np.float32)
    values[1, 2:5] = 1e-9
    np.save(tmp_path / "in.npy", values)
    outcome = tessera(*REDUCE, tmp_path / "in.npy", "--format", "half")
    assert outcome.status == 0
    assert outcome.err.startswith("tessera: warning: ")
    assert outcome.err.endswith("messages: 3 of 64 are too small for float16 and become 0\n")


@pytest.mark.parametrize("form", ["half", "single"])
def test_nodes_that_differ(tessera: Tessera, form: str, tmp_path: Path) -> None:
    """Large numbers that cancel: every node of a rotation adds in an order of its own, and is told of it."""
    big = {"half": 2.0**11, "single": 2.0**24}[form]
    values = np.zeros((4, 16))
    values[:, 5] = [big, 1, 1, -big]
    np.save(tmp_path / "in.npy", values)
    given = (*REDUCE, tmp_path / "in.npy", "--format", form)
    rotated = tessera(*given, "--schedule", "rotate", "--out", tmp_path / "out.npy")
    assert np.load(tmp_path / "out.npy")[:, 5].tolist() == [2, 1, 2, 1]
    assert rotated.status == 0
    assert rotated.err.startswith("tessera: warning: nodes differ in 1 of 16 elements, by 1 at most (element 5)")
    assert rotated.err.count("\n") == 1
    for schedule in ("xor", "ring"):
        assert tessera(*given, "--schedule", schedule).err == ""
