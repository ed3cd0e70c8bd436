from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hw.splat.config import tiny
from sim.kernel.report import make_report
from sim.kernel.roofline import Roofline
from tests.sim.conftest import Tessera


def write(path: Path, cycles: int, **changes: Any) -> str:
    """A report of so many cycles."""
    report = make_report(
        engine="splat", config=replace(tiny(), coarse_lanes=1 if cycles < 100 else 2), seed=1, workload={"scene": "a"},
        roofline=Roofline(cycles=cycles, stages={"x": 50.0}), counters={"cycles": cycles, "streamed": 7},
    )  # fmt: skip
    path.write_text(json.dumps(report | changes))
    return str(path)


def test_what_differs_is_shown_with_its_ratio(tessera: Tessera, tmp_path: Path) -> None:
    """Numbers with their ratio, text without; what is equal only with --all."""
    names = write(tmp_path / "a.json", 80), write(tmp_path / "b.json", 120)
    rows = {row["key"]: row for row in json.loads(tessera("diff", *names, "--json").out)}
    assert set(rows) == {"config.coarse_lanes", "config_hash", "cycles", "ratio", "counters.cycles"}
    assert rows["cycles"] == {"key": "cycles", "first": 80, "second": 120, "ratio": 1.5}
    assert rows["config_hash"]["ratio"] is None
    text = tessera("diff", *names)
    assert text.status == 0
    assert "counters.cycles" in text.out
    assert "streamed" not in text.out
    everything = tessera("diff", *names, "--all").out
    assert "counters.streamed" in everything
    assert everything.splitlines()[-1] == text.out.splitlines()[-1]
    assert tessera("diff", names[0], names[0]).out.startswith("0 of ")


def test_a_value_on_one_side_alone_is_a_difference(tessera: Tessera, tmp_path: Path) -> None:
    """A dash stands for what is not there."""
    names = write(tmp_path / "a.json", 80), write(tmp_path / "b.json", 80, quality={"psnr_db": 40.5, "list": [1, 2]})
    rows = json.loads(tessera("diff", *names, "--json").out)
    assert [(row["key"], row["first"], row["second"]) for row in rows] == [
        ("quality.psnr_db", None, 40.5),
        ("quality.list[0]", None, 1),
        ("quality.list[1]", None, 2),
    ]
    assert "-    40.5" in tessera("diff", *names).out


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"engine": "kv"}, "reports must be of one engine, they are of splat and kv"),
        ({"schema": 1}, "reports must be of one schema, they are of 3 and 1"),
        ({"schema": None}, "both files must be reports, which name their schema"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    tessera: Tessera, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    outcome = tessera("diff", write(tmp_path / "a.json", 80), write(tmp_path / "b.json", 80, **changes))
    assert outcome.status == 2
    assert message in outcome.err
    assert len(outcome.err.splitlines()) == 1
