from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from golden.errors import InputError
from sim.compare import comparison
from sim.compare.comparison import compare, fresh, missing, pictures, run_missing
from sim.compare.outputs import csv_text, latex, table
from sim.compare.rivals import Rival
from sim.compare.rows import Row
from sim.engines import ENGINES
from sim.kernel.comparison import label
from sim.kernel.console import step
from sim.kernel.suite import Case, Compared
from tests.sim.compare.reports import FRAME, energy, estimate, record, report, write_report
from tests.sim.conftest import Tessera


def row_of(path: Path, **options: float | str) -> Row:
    (row,) = compare([path], **options).rows  # type: ignore[arg-type]
    return row


def rival(row: Row, device: str) -> Rival:
    (found,) = [one for one in row.rivals if one.device == device]
    return found


def test_a_row_by_hand(places: Path) -> None:
    """64,000 cycles and 3.2 MB at 640 MHz are 0.1 ms and 32 GB/s; a CPU of 10 ms takes 100 times as long."""
    estimate(places / "estimate")
    record(places / "records", "splat", energy_mj=3.0, energy_method="a counter")
    row = row_of(write_report(places, "splat-x", report()))
    v = {name: value.number for name, value in row.values.items()}
    assert (v["cycles"], v["ratio"], v["useful share"], v["clock"]) == (64_000, 2.0, 25.0, 640.0)
    assert (v["time"], v["needs"], v["area"]) == (pytest.approx(0.1), pytest.approx(32.0), 3.0)
    assert (v["lpddr4 gives"], row.values["needs"].kind) == (25.6, "estimated")
    assert row.values["needs"].note.endswith("more than lpddr3 and lpddr4 can give, with which the run takes longer")
    cpu = rival(row, "Slow")
    assert (cpu.time.number, cpu.energy.number, cpu.kind) == (10.0, 3.0, "measured")
    assert cpu.at_clock.number == pytest.approx(100)
    assert cpu.per_joule.number is None, "the engine's energy is a hole"
    assert cpu.at_bandwidth.note == "no source at hand gives the bandwidth of Slow"


def test_a_time_says_how_it_was_measured(places: Path) -> None:
    """Runs, spread, threads, what else ran; other views of the same stand beside it, and in no row of their own."""
    record(places / "records", "splat", views={"0/2": 8.0, "1/2": 12.5}, load=6.2)
    row = row_of(write_report(places, "splat-x", report()))
    told = "median of 50 runs, spread 0.5 ms, 2 threads, the machine's load 6.2, 2 other views 8 to 12.5 ms"
    assert rival(row, "Slow").time.note == told


@pytest.mark.parametrize(
    ("workload", "said"),
    [
        (FRAME, "a 1/3 256x256 28488 Gaussians"),
        ({"scene": "reduce of 4", "size": 32768, "nodes": 4}, "reduce of 4 32,768 B"),
        ({"scene": "decode of 4", "size": 1024, "hidden": 4096, "tokens": 1024}, "decode of 4 1,024 tokens"),
        ({"stream": "s", "tokens": 4096, "queries": 16, "view": "3/20"}, "s 3/20 4096 tokens 16 queries"),
    ],
)
def test_a_workload_has_a_name(workload: dict[str, object], said: str) -> None:
    """With the unit of its size, once."""
    assert label(workload) == said


def test_equal_bandwidth_and_area_by_hand(places: Path) -> None:
    """A device with known memory and die: 10 ms over 0.1, times 936 GB/s over 64 B · 640 MHz, or 628.4 mm² over 3."""
    estimate(places / "estimate")
    record(places / "records", "splat", name="RTX 3090", kind="cuda")
    card = rival(row_of(write_report(places, "splat-x", report())), "RTX 3090")
    assert card.at_bandwidth.number == pytest.approx(100 * 936 / 40.96)
    assert card.per_mm2.number == pytest.approx(100 * 628.4 / 3)


def test_a_measured_gpu_is_scaled_to_mobile_ones(places: Path) -> None:
    """By bandwidth, for a kernel that is bound by it: 10 ms on an RTX 3090 are 936/102.4 times as long on Orin NX."""
    tree = {"tree": "t", "nodes": 9, "tau_px": 3.0, "size": "64x64"}
    path = write_report(places, "lod-x", report("lod", workload=tree))
    record(places / "records", "lod", name="RTX 3090", kind="cuda", workload=tree, roof="memory")
    orin = rival(row_of(path), "Orin NX")
    assert (orin.kind, orin.time.number) == ("modelled", pytest.approx(10 * 936 / 102.4))
    assert orin.time.note.startswith("RTX 3090's measured time by memory; off by up to")
    record(places / "records", "lod", name="RTX 3090", kind="cuda", workload=tree, roof=None)
    assert [one.device for one in row_of(path).rivals] == ["RTX 3090", "a CPU"]


def test_energy_by_hand(places: Path) -> None:
    """500 pJ a cycle, by the surest method and of the clock's library, are 0.032 mJ; 3.2 mJ are 100 times as much."""
    estimate(places / "estimate")
    path = energy(places / "estimate", counters=900.0, gates=500.0)
    energy(places / "estimate", library="asap7", gates=9.0)
    record(places / "records", "splat", energy_mj=3.2, energy_method="a counter")
    row = row_of(write_report(places, "splat-x", report()))
    spent = row.values["energy"]
    assert (spent.number, spent.kind) == (pytest.approx(0.032), "estimated")
    assert spent.note == "by gates, mean of a sample's cycles, without DRAM; counters 900 pJ"
    assert str(path) in spent.source
    assert rival(row, "Slow").per_joule.number == pytest.approx(100)
    energy(places / "estimate")
    assert "has none of the methods" in row_of(write_report(places, "splat-x", report())).values["energy"].note


def test_no_row_mixes_workloads(places: Path) -> None:
    """A record of another size is no rival, and the hole says what to run; frames alone are modelled on mobile GPUs."""
    record(places / "records", "splat", workload=FRAME | {"size": "64x64"})
    row = row_of(write_report(places, "splat-x", report()))
    assert [one.device for one in row.rivals] == ["Orin NX", "AGX Xavier", "a CPU", "a GPU"]
    assert rival(row, "a CPU").time.note == "no record of this workload: run `tessera baseline splat`"
    orin = rival(row, "Orin NX")
    assert (orin.kind, orin.time.kind) == ("modelled", "modelled")
    assert "off by up to × 3.1" in orin.time.note
    whole = row_of(write_report(places, "splat-y", report(workload=FRAME | {"path": "orbit", "frames": 8})))
    assert [one.device for one in whole.rivals] == ["a CPU", "a GPU"], "a sequence's cycles are no frame's"
    tree = {"tree": "t", "nodes": 9, "tau_px": 3.0, "size": "64x64"}
    other = row_of(write_report(places, "lod-x", report("lod", workload=tree)))
    assert [one.device for one in other.rivals] == ["a CPU", "a GPU"]


def test_a_clock_is_assumed_only_if_asked(places: Path) -> None:
    """Then every figure that hangs on it says so."""
    path = write_report(places, "splat-x", report())
    assert row_of(path).values["clock"].kind == row_of(path).values["time"].kind == "recorded"
    row = row_of(path, clock_mhz=1000.0)
    assert (row.values["time"].kind, rival(row, "Orin NX").at_clock.kind) == ("assumed", "assumed")
    assert row.values["time"].number == pytest.approx(0.064)


def test_what_is_not_known_is_a_hole(places: Path) -> None:
    """A report without bound, bytes and share, of a config that nobody named: reasons instead of figures, no crash."""
    bare = {name: report()[name] for name in ("engine", "cycles", "memory", "workload")}
    row = row_of(write_report(places, "splat-x", bare))
    for name in ("bound", "useful share", "bytes", "needs", "energy", "area"):
        assert row.values[name].number is None
        assert row.values[name].note
    assert rival(row, "Orin NX").at_bandwidth.note == "the report's config is none of the named ones"
    assert "–" in latex(compare([write_report(places, "splat-x", bare)])).replace("--", "–")


def test_a_report_that_is_gone_is_named(places: Path) -> None:
    """One line a case, with the command; a report of another commit counts as a row, and is named too."""
    assert len(list(missing(places))) == len([c for e in ENGINES.values() for c in e.compared().cases()]) >= 7
    assert compare(folder=places).rows == []
    write_report(places, "splat-embedded-256", report())
    found = compare(folder=places)
    assert [row.engine for row in found.rows] == ["splat"]
    (line,) = [one for one in found.missing if one.startswith("splat ")]
    assert "is not of this commit: run `tessera compare --run`" in line
    assert all("is not there" in one for one in found.missing if one != line)


def test_what_is_missing_is_run_once(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report of this very commit is not made again; one of a checkout with changes is, as nobody knows which."""
    runs: list[str] = []
    now = {"commit": "0" * 12}

    def case() -> Compared:
        runs.append("x")
        return Compared(report=report() | {"commit": now["commit"]})

    monkeypatch.setattr(comparison, "cases", lambda folder: [(folder / "r.json", "splat", Case(name="r", run=case))])
    monkeypatch.setattr(comparison, "commit", lambda: now["commit"])
    assert run_missing(step, places) == [places / "r.json"]
    assert run_missing(step, places) == []
    assert fresh(places / "r.json")
    now["commit"] += "-dirty"
    assert run_missing(step, places) == [places / "r.json"]
    assert len(runs) == 2
    assert pictures(places) == {}


def test_tables_say_the_same(places: Path) -> None:
    """CSV has every figure with its source, LaTeX its main columns; special characters do not break it."""
    record(places / "records", "splat", method="50 % of a_b & c")
    found = compare([write_report(places, "splat-x", report())])
    lines = list(csv.DictReader(io.StringIO(csv_text(found))))
    (time,) = [one for one in lines if (one["figure"], one["of"]) == ("time", "RTL")]
    assert float(time["value"]) == found.rows[0].values["time"].number
    assert all(one["source"] if one["value"] else one["note"] for one in lines)
    text = latex(found)
    assert r"50 \% of a\_b \& c" in text
    assert text.count(r"\\" + "\n") == 1 + len(found.rows[0].rivals)
    assert [cells[2] for cells in table(found)] == ["Slow", "Orin NX", "AGX Xavier"]


def test_the_command_writes_all_files(tessera: Tessera, places: Path) -> None:
    """Table, JSON, CSV, LaTeX and page; the JSON on stdout is the file's."""
    path = write_report(places, "splat-x", report())
    outcome = tessera("compare", path, "-o", places / "out", "--json")
    assert outcome.status == 0
    assert json.loads(outcome.out) == json.loads((places / "out" / "comparison.json").read_text())
    assert {file.name for file in (places / "out").iterdir()} == {
        "index.html", "comparison.json", "comparison.csv", "comparison.tex",
    }  # fmt: skip
    shown = tessera("compare", path, "-o", places / "out").out
    assert "64,000 cycles" in shown
    assert "recorded: ECP5" in shown


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        (("--clock", 0), "--clock must lie in 0..100 GHz"),
        (("--clock", 1, "--library", "asap7"), "--clock assumes a clock"),
        (("--run", "{report}"), "leave out REPORTS"),
        (("{report}", "--library", "asap7"), "splat must be estimated in asap7, it is in none"),
    ],
)
def test_what_makes_no_sense_is_one_line(tessera: Tessera, places: Path, options: tuple[str, ...], rule: str) -> None:
    """With status 2, and no file."""
    path = write_report(places, "splat-x", report())
    outcome = tessera("compare", *(str(o).format(report=path) for o in options), "-o", places / "out")
    assert outcome.status == 2
    assert rule in " ".join(outcome.err.split())
    assert not (places / "out" / "index.html").exists()


def test_a_report_that_is_none_is_one_line(places: Path) -> None:
    """What is given must be readable."""
    (places / "r.json").write_text("[]")
    with pytest.raises(InputError, match="a report is an object"):
        compare([places / "r.json"])
