from __future__ import annotations

from pathlib import Path

import pytest

from golden.errors import InputError
from sim.compare import costs
from sim.compare.costs import cost_of, recorded
from sim.engines import ENGINES
from tests.sim.compare.reports import estimate, report

HASH = report()["config_hash"]


def test_a_recorded_clock_stands_where_no_estimate_is() -> None:
    """With its library and what was placed; an FPGA has no area, and the hole says what would fill it."""
    cost = cost_of("splat", HASH)
    assert (cost.clock.kind, cost.clock.source) == ("recorded", "docs/splat.md, Out of context on ECP5")
    assert 50 < (cost.clock.number or 0) < 100
    assert "ECP5" in cost.clock.note
    assert cost.area.number is None
    assert "run `tessera estimate splat`" in cost.area.note


@pytest.mark.parametrize("engine", list(ENGINES))
def test_every_engine_has_one(engine: str) -> None:
    """Each names a page of docs/; where it is of another config the note says so."""
    cost = recorded(engine, report(engine)["config_hash"])
    assert cost.clock.number
    assert cost.clock.source.startswith(f"docs/{engine}.md")
    assert "config tiny, a smaller one" in recorded(engine, "another").clock.note


def test_an_estimate_comes_first(places: Path) -> None:
    """Of the very config: a real library before the built-in table, another if it is asked for."""
    estimate(places / "estimate", library="embedded")
    path = estimate(places / "estimate")
    cost = cost_of("splat", HASH)
    assert (cost.library, cost.clock.number, cost.area.number) == ("nangate45", 640.0, 3.0)
    assert (cost.clock.kind, cost.clock.source) == ("estimated", str(path))
    assert cost_of("splat", HASH, "embedded").library == "embedded"
    with pytest.raises(InputError, match="splat must be estimated in sky130, it is in embedded, nangate45: run"):
        cost_of("splat", HASH, "sky130")
    estimate(places / "estimate", config_hash="another")
    assert cost_of("splat", HASH).library == "embedded"


def test_an_estimate_that_cannot_be_read_is_left_out(places: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A line says so, and the recorded clock stands; one without a path has an area and no clock."""
    estimate(places / "estimate").write_text("{}")
    assert cost_of("splat", HASH).clock.kind == "recorded"
    assert "no estimate that can be read (KeyError): it is left out" in " ".join(capsys.readouterr().err.split())
    estimate(places / "estimate", clock_mhz=None)
    cost = cost_of("splat", HASH)
    assert (cost.clock.number, cost.area.number) == (None, 3.0)


def test_a_broken_row_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the recorded clocks: keys, value and source are looked at; without a file there is a hole."""
    monkeypatch.setattr(costs, "SIM", tmp_path)
    assert cost_of("splat", HASH).clock.number is None
    (tmp_path / "splat").mkdir()
    good = '{"library": "L", "config": "tiny", "mhz": 60, "what": "w", "source": "docs/splat.md"}'
    for broken, rule in (
        ("[{", "recorded clocks are JSON"),
        ("[{}]", "row 1: a row has the keys library"),
        (f"[{good.replace('60', '0')}]", "row 1: mhz must be above 0, it is 0"),
        (f"[{good}, {good.replace('splat.md', 'x.md')}]", "row 2: source must begin with a file of docs/"),
    ):
        (tmp_path / "splat" / "closed.json").write_text(broken)
        with pytest.raises(InputError, match=rule):
            cost_of("splat", HASH)
