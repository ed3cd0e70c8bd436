from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from hw.generate import ROOT
from hw.splat.config import tiny
from sim.kernel.report import make_report
from sim.kernel.report_schema import FILE, schema
from sim.kernel.roofline import Roofline
from tests.sim.conftest import Tessera


def full_report() -> dict[str, Any]:
    """With a value for every key."""
    figure = {
        "device": "CPU",
        "threads": 2,
        "method": "torch",
        "kind": "measured",
        "workload": "a",
        "ms": 3.5,
        "ratio": 7,
        "clock_mhz": 64.0,
        "energy_mj": 120.5,
        "energy_method": "NVML energy counter",
    }
    return make_report(
        engine="splat", config=tiny(), seed=3, workload={"scene": "a"}, counters={"cycles": 9}, memory={"latency": 1},
        roofline=Roofline(cycles=9, stages={"x": 6}), dram_bytes={"total": 64}, quality={"psnr_db": None},
        baselines=[figure],
    )  # fmt: skip


def test_the_file_in_docs_is_the_schema(tessera: Tessera, tmp_path: Path) -> None:
    """It is valid JSON Schema, and what `tessera docs schema` writes."""
    Draft202012Validator.check_schema(schema())
    assert tessera("docs", "schema", "-o", tmp_path).status == 0
    assert (tmp_path / FILE).read_text() == (ROOT / "docs" / FILE).read_text()
    assert json.loads((tmp_path / FILE).read_text()) == schema()


@pytest.mark.parametrize(
    "line",
    [
        "render embedded --size 16x16 --out f.png",
        "lod embedded --tau 30 --size 16x16",
        "retrieve synthetic --tokens 64 --queries 4",
        "compress synthetic --tokens 64 --window 4",
        "reduce --size 64",
        "gather --size 64",
        "decode --head-size 32 --hidden 256 --tokens 16",
        "reuse synthetic --size 16",
    ],
)
@pytest.mark.parametrize("backend", ["model", "reference"])
def test_reports_of_every_command_obey_it(
    tessera: Tessera, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, backend: str
) -> None:
    """As files and on stdout."""
    monkeypatch.chdir(tmp_path)
    outcome = tessera(*line.split(), "--config", "tiny", "--backend", backend, "--report", "r.json", "--json")
    assert outcome.status == 0, outcome.err
    report = json.loads(outcome.out)
    Draft202012Validator(schema()).validate(report)
    assert json.loads(Path("r.json").read_text()) == report


def test_a_full_report_obeys_and_another_does_not() -> None:
    """A key too many or too few, or a number as text, is no report."""
    validator = Draft202012Validator(schema())
    report = full_report()
    validator.validate(report)
    figure = report["baselines"][0]
    wrong = [
        {key: value for key, value in report.items() if key != "ratio"},
        report | {"more": 1},
        report | {"schema": 1},
        report | {"bound": report["bound"] | {"cycles": "6"}},
        report | {"baselines": [figure | {"ms": "3.5"}]},
        report | {"baselines": [figure | {"energy_mj": "120.5"}]},
        report | {"config": {"lanes": 1.5}},
    ]
    for other in wrong:
        with pytest.raises(ValidationError):
            validator.validate(other)
