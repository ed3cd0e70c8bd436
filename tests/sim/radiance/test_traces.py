"""Traces: what is made up, what files hold, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from golden.errors import InputError
from golden.radiance.alpha_record import make_records
from golden.radiance.spec import TINY
from sim.radiance.traces import load_trace


def arrays(**changes: Any) -> dict[str, np.ndarray]:
    """A good file's arrays."""
    shape = (2, 6, 10)
    good = {
        "ids": np.arange(np.prod(shape) * 3, dtype=np.uint32).reshape(*shape, 3),
        "count": np.full(shape, 3, np.uint8),
        "colour": np.full((*shape, 4), 7, np.uint8),
    }
    return {name: array for name, array in (good | changes).items() if array is not None}


def distinct(source: str, seed: int) -> int:
    """Records of the first frame that differ."""
    trace = load_trace(source, TINY, size=64, frames=1, seed=seed)
    return len(np.unique(make_records(TINY, trace.ids, trace.count).key.reshape(-1)))


def test_locality_is_tunable(seed: int) -> None:
    """Larger cells, fewer records; no motion, no change; some pixels have no full record."""
    assert distinct("synthetic:2", seed) > 2 * distinct("synthetic:8", seed) > 4 * distinct("synthetic:32", seed)
    still, moving = (load_trace(f"synthetic:8:{motion}", TINY, size=64, seed=seed) for motion in (0, 3))
    assert (still.ids[0] == still.ids[-1]).all()
    assert 0.2 < (moving.ids[0] != moving.ids[1]).any(-1).mean() < 1
    assert 0.5 < (moving.count == 3).mean() < 1
    again = load_trace("synthetic:8:3", TINY, size=64, seed=seed)
    assert all((getattr(moving, name) == getattr(again, name)).all() for name in ("ids", "count", "colour"))


def test_a_file_is_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", **arrays())
    trace = load_trace(str(tmp_path / "t.npz"), TINY, frames=1)
    assert (trace.name, trace.size, trace.frames) == ("t", "10x6", 1)
    assert (trace.ids == arrays()["ids"][:1]).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"count": None}, "has arrays ids, count, colour, this one lacks count"),
        ({"ids": np.zeros((2, 6, 10, 5), int)}, r"ids must be \[frames, height, width, 3\] of one size"),
        ({"colour": np.zeros((2, 6, 9, 4), int)}, r"it is \[2, 6, 9, 4\]"),
        ({"colour": np.zeros((2, 6, 10, 4))}, "colour must be whole numbers, it is float64"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", **arrays(**changes))
    with pytest.raises(InputError, match=message):
        load_trace(str(tmp_path / "t.npz"), TINY)


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ("missing.npz", {}, "missing.npz: no such file"),
        ("synthetic:x", {}, r"a made-up trace is synthetic\[:CELL\[:MOTION\]\], got 'synthetic:x'"),
        ("synthetic:0", {}, "cell must lie in 1..4096 pixels, it is 0"),
        ("synthetic", {"size": 5000}, "size must lie in 1..4096 pixels, it is 5000"),
        ("synthetic", {"frames": 0}, "at least 1 frame, not 0"),
    ],
)
def test_what_is_no_trace_is_refused(source: str, options: dict[str, int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_trace(source, TINY, **options)


def test_a_damaged_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "t.npz").write_bytes(b"PK\3\4 no archive")
    with pytest.raises(InputError, match=r"a trace is a \.npz file, this one cannot be read"):
        load_trace(str(tmp_path / "t.npz"), TINY)
