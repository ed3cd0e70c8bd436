"""`tessera estimate` as its user calls it, on a small design; its engines are estimated by the slow tests."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sim.engines import ENGINES
from sim.estimate.technology import named
from tests.sim.conftest import Tessera
from tests.sim.estimate.test_foreign import COUNTER


@pytest.fixture
def design(tmp_path: Path) -> list[object]:
    path = tmp_path / "pair.v"
    path.write_text(COUNTER)
    return ["--verilog", path, "--top", "pair", "-o", tmp_path / "out"]


def test_a_design_is_estimated_and_compared(tessera: Tessera, design: list[object], tmp_path: Path) -> None:
    done = tessera("estimate", *design, "--node", 28)
    assert done.status == 0, done.err
    for shown in ("largest modules", "slowest modules", "mm² in embedded", "at 28 nm", "from low power, LP"):
        assert shown in done.out
    path = tmp_path / "out/pair-embedded.json"
    report = json.loads(path.read_text())
    assert report["engine"] == "pair"
    assert report["config_hash"] is None
    for name in ("tree.svg", "tree.png", "top.svg", "top.png"):
        assert (tmp_path / f"out/pair-embedded-{name}").stat().st_size > 1000
    flat = tessera("estimate", *design, "--flat", "--json")
    assert json.loads(flat.out)["area_mm2"]["total"] == pytest.approx(report["area_mm2"]["total"], rel=0.1)
    beside = tessera("estimate", "--compare", path, path)
    assert beside.status == 0, beside.err
    assert "total mm²" in beside.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "estimate takes an ENGINE, or --verilog FILE with --top NAME"),
        (["lod", "--verilog", "x.v", "--top", "x"], "estimate takes an ENGINE, or --verilog"),
        (["--verilog", "x.v"], "estimate takes an ENGINE, or --verilog"),
        (["lod", "--node", "33"], "--node must be one of 180, 130"),
        (["lod", "--library-node", "45"], "--library-node is of a library named by --liberty"),
        (["lod", "--liberty", "none.lib", "--library-node", "44"], "--node must be one of"),
        (["lod", "--liberty", "none.lib", "--period", "1"], "--period must lie in 10..1000000 ps, it is 1"),
        (["lod", "--liberty", "none.lib", "--library-node", "45"], "none.lib: No such file or directory"),
        (["lod", "--technology", "n3"], "'n3' is not one of 'embedded', 'nangate45'"),
        (["--compare", "a.json", "b.json"], "a.json: No such file or directory"),
    ],
)
def test_what_cannot_be_estimated_is_refused_in_a_line(tessera: Tessera, arguments: list[str], message: str) -> None:
    done = tessera("estimate", *arguments)
    assert done.status == 2
    assert message in done.err
    assert done.err.count("\n") == 1


def test_a_broken_library_is_refused_in_a_line(tessera: Tessera, design: list[object], tmp_path: Path) -> None:
    text = named("embedded").liberty[0].read_text()
    broken = {
        "truncated": (text[:5000], "the file is truncated"),
        "area": (text.replace("area : 0.5360;", ""), "every cell must have an area, INV_X1 has none"),
        "registers": (text[: text.index("  cell (DFF")] + "}", "must have a flip-flop"),
        "units": (text.replace('"1ps"', '"1 tick"'), "time_unit must be a number with a unit like 1ns"),
    }
    for name, (content, message) in broken.items():
        path = tmp_path / f"{name}.lib"
        path.write_text(content)
        done = tessera("estimate", *design, "--liberty", path, "--library-node", 45)
        assert done.status == 2, name
        assert message in done.err
        assert done.err.count("\n") == 1
        assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("name", ENGINES)
def test_every_engine(tessera: Tessera, name: str, tmp_path: Path) -> None:
    """On the embedded table, in parts and as one: the parts add up to the flat area within 10 % on the small ones."""
    done = tessera("estimate", name, "--config", "tiny", "-o", tmp_path, "--json")
    assert done.status == 0, done.err
    area = json.loads(done.out)["area_mm2"]
    if name in ("lod", "radiance"):
        flat = tessera("estimate", name, "--config", "tiny", "--flat", "-o", tmp_path / "flat", "--json")
        assert area["logic"] == pytest.approx(json.loads(flat.out)["area_mm2"]["logic"], rel=0.1)
