from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from golden.errors import InputError
from sim.compare import comparison, regress
from sim.compare.comparison import cases
from sim.compare.history import draw, history, series
from sim.compare.regress import RECORD, changes, figures_now, recorded, update
from sim.kernel.suite import Case
from tests.sim.compare.reports import estimate, report, write_report
from tests.sim.conftest import Tessera

FIGURES = {"cycles": 1000, "bytes": 500, "area_mm2": 2.0, "library": "nangate45", "useful_share": 0.5}


@pytest.fixture
def record(places: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One case, whose report is there, and a record of its own."""
    path = places / "docs" / "regress.json"
    for command in ("regress", "history"):
        monkeypatch.setattr(f"sim.commands.{command}.RECORD", path)
    monkeypatch.setattr("sim.commands.regress.FOLDER", places)
    one = Case(name="x", run=lambda: pytest.fail("its report is there"))
    for module in (comparison, regress):
        monkeypatch.setattr(module, "cases", lambda folder: [(places / "report-splat-x.json", "splat", one)])
    monkeypatch.setattr("sim.commands.regress.run_missing", lambda step: [])
    write_report(places, "splat-x", report())
    return path


def test_the_record_has_every_case() -> None:
    """docs/regress.json is whole: every case of every engine, with cycles and bytes."""
    there = recorded(RECORD)
    assert set(there) == {f"{engine} {case.name}" for _, engine, case in cases(RECORD.parent)}
    assert all(figures["cycles"] > 0 and figures["bytes"] > 0 for figures in there.values())


@pytest.mark.parametrize(
    ("now", "worse"),
    [
        ({}, []),
        ({"cycles": 1010}, [0.01]),
        ({"cycles": 1011}, [0.011]),
        ({"cycles": 900, "useful_share": 0.49}, [-0.1, 0.02]),
        ({"useful_share": 0.6}, [-0.2]),
        ({"area_mm2": 2.1}, [0.05]),
        ({"area_mm2": 2.1, "library": "asap7"}, []),
        ({"area_mm2": None, "useful_share": None}, []),
    ],
)
def test_what_is_worse(now: dict[str, Any], worse: list[float]) -> None:
    """More cycles, bytes and area, and less useful work; areas of two libraries do not compare."""
    found = sorted(change.worse for change in changes({"a": FIGURES}, {"a": FIGURES | now}))
    assert found == pytest.approx(sorted(worse))


def test_the_command_fails_with_status_3(tessera: Tessera, record: Path, places: Path) -> None:
    """On more than 1 %; up to it, and better, are no failure; `--update` records on purpose."""
    assert tessera("regress").status == 2, "nothing is recorded"
    assert tessera("regress", "--update").status == 0
    assert json.loads(record.read_text())["figures"]["splat x"]["cycles"] == 64_000
    assert "no figure is worse" in tessera("regress").out
    for cycles, status in ((64_640, 0), (64_641, 3), (60_000, 0)):
        write_report(places, "splat-x", report(cycles=cycles))
        assert tessera("regress").status == status
    write_report(places, "splat-x", report(cycles=70_000))
    outcome = tessera("regress", "--json")
    assert outcome.status == 3
    assert json.loads(outcome.out)[0]["worse"] == pytest.approx(6 / 64)
    assert "splat x: cycles 64000 -> 70000, 9.38% worse" in outcome.err
    assert tessera("regress", "--update").status == tessera("regress").status == 0


def test_an_area_that_is_not_known_today_stays(record: Path, places: Path) -> None:
    """Whoever records without an estimate does not lose that of others; with one it is recorded anew."""
    path = estimate(places / "estimate")
    update(record, figures_now(places))
    path.unlink()
    assert figures_now(places)["splat x"]["area_mm2"] is None
    update(record, figures_now(places))
    assert (recorded(record)["splat x"]["area_mm2"], recorded(record)["splat x"]["library"]) == (3.0, "nangate45")


def test_cases_on_one_side_are_named(tessera: Tessera, record: Path) -> None:
    """A case that is not recorded, and one that did not run, are warnings with what to do."""
    record.parent.mkdir()
    record.write_text(json.dumps({"schema": 1, "figures": {"kv y": FIGURES}}))
    outcome = tessera("regress")
    assert outcome.status == 0
    assert "kv y: it is recorded, and did not run" in outcome.err
    assert "splat x: it is not recorded" in outcome.err


@pytest.mark.parametrize("text", ["[", "[]", '{"schema": 0, "figures": {}}', '{"schema": 1}'])
def test_a_record_that_is_none_is_one_line(record: Path, text: str) -> None:
    """Not a traceback."""
    record.parent.mkdir()
    record.write_text(text)
    with pytest.raises(InputError, match=r"regress.json: a record (is JSON|must have schema 1)"):
        recorded(record)


def test_history_is_what_git_has(tessera: Tessera, tmp_path: Path, record: Path) -> None:
    """A moment for each commit that recorded figures, in order; the picture is written, a lost version left out."""
    outcome = tessera("history", "--out", tmp_path / "h.png")
    assert outcome.status == 2
    assert "its history must lie in git" in outcome.err
    record.parent.mkdir()

    def git(*arguments: str) -> None:
        person = ("-c", "user.name=a", "-c", "user.email=a@b")
        subprocess.run(["git", *person, *arguments], cwd=record.parent, check=True, capture_output=True)

    git("init", "-q")
    for cycles in (100, None, 90):
        text = (
            "no JSON" if cycles is None else json.dumps({"schema": 1, "figures": {"a": FIGURES | {"cycles": cycles}}})
        )
        record.write_text(text)
        git("add", record.name)
        git("commit", "-qm", "x")
    moments = history(record)
    assert series(moments, "cycles") == {"a": [100, 90]}
    draw(moments, tmp_path / "p.png")
    outcome = tessera("history", "--out", tmp_path / "h.png")
    assert outcome.status == 0
    assert "0.9000" in outcome.out
    assert (tmp_path / "h.png").stat().st_size > 5000
