from __future__ import annotations

import json
from pathlib import Path

import pytest

from golden.errors import InputError
from sim.estimate.estimate import Estimate, estimate
from sim.estimate.pictures import Box, draw_bars, draw_treemap, squarified
from sim.estimate.report import make_report, read_report
from sim.estimate.sram import memory_model
from sim.estimate.tables import compare_rows, headline, own_mm2, top_rows, tree_rows
from sim.estimate.technology import named
from tests.sim.estimate.designs import Bank, rtlil


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Estimate:
    technology = named("embedded")
    folder = tmp_path_factory.mktemp("estimate")
    return estimate(rtlil(Bank(products=3), "bank"), "bank", technology, memory_model(technology), folder)


@pytest.fixture(scope="module")
def report(found: Estimate) -> dict:
    return make_report(found, engine="bank", config="small", config_hash="0", settings={"products": 3}, node_nm=7)


def test_the_modules_add_up_to_the_whole(found: Estimate, report: dict) -> None:
    """By counts of own areas, by the tree, by all cells, and in the shares that the table shows."""
    area = report["area_mm2"]
    assert sum(own_mm2(module) for module in report["modules"]) == pytest.approx(area["total"])
    assert report["modules"][-1]["um2"] / 1e6 == pytest.approx(area["total"])
    assert found.mapped.area_um2 / 1e6 == pytest.approx(area["logic"])
    assert area["memory"] == pytest.approx(sum(m["um2"] * m["count"] for m in report["memories"]) / 1e6)
    assert area["memory_share"] == pytest.approx(area["memory"] / area["total"])
    cells = found.technology.library.cells
    leakage = sum(cells[kind].leakage_w * number for kind, number in found.mapped.cells.items())
    assert report["leakage_mw"]["logic"] == pytest.approx(leakage * 1e3)
    assert report["modules"][-1]["leakage_uw"] == pytest.approx(report["leakage_mw"]["total"] * 1e3)
    assert sum(float(row[3]) for row in top_rows(report)) == pytest.approx(100, abs=0.2)
    (top, product), (name, times) = list(tree_rows(report)), ("  product", 3)
    assert (product[0], product[1]) == (name, times)
    assert float(str(top[2])) > float(str(product[2]))


def test_every_constant_has_a_source(report: dict) -> None:
    assert all(entry["source"] for entry in report["provenance"] if entry["value"] != [])
    assert {"cells: area, leakage, delays", "memories without macros that fit"} <= {
        entry["what"] for entry in report["provenance"]
    }


def test_at_another_node(report: dict) -> None:
    scaled = report["scaled"]
    assert scaled["area_mm2"]["total"] == pytest.approx(report["area_mm2"]["total"] * 0.059)
    assert scaled["clock_mhz"][0] < scaled["clock_mhz"][1]


def test_a_report_is_read_back_and_anything_else_is_refused(report: dict, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(report))
    assert read_report(path) == report
    for text, message in (("{}", "or of another version"), ("[1]", "or of another version"), ("{", "not the report")):
        path.write_text(text)
        with pytest.raises(InputError, match=message):
            read_report(path)
    with pytest.raises(InputError, match="No such file"):
        read_report(tmp_path / "none.json")


def test_two_reports_side_by_side(report: dict) -> None:
    """The one module whose area differs is shown, with its ratio."""
    modules = [{**m, "own_um2": {"logic": m["own_um2"]["logic"] * 2, "memory": 0}} for m in report["modules"][:1]]
    second = {**report, "technology": "other", "modules": [*modules, *report["modules"][1:]]}
    rows = {row[0]: row[1:] for row in compare_rows(report, second)}
    assert rows["technology"] == ("embedded", "other", "")
    assert rows["product mm²"][2] == "2.000"
    assert rows["total mm²"][2] == "1.000"
    assert "bank mm²" not in rows


def test_the_treemap_fills_its_square() -> None:
    areas = [0.4, 0.3, 0.15, 0.1, 0.05]
    boxes = list(squarified(areas, Box(0, 0, 1, 1)))
    assert [box.width * box.height for box in boxes] == pytest.approx(areas)
    assert max(max(box.width / box.height, box.height / box.width) for box in boxes) < 2.5
    assert all(box.x >= -1e-9 and box.x + box.width <= 1 + 1e-9 and box.y + box.height <= 1 + 1e-9 for box in boxes)
    overlap = [
        min(a.x + a.width, b.x + b.width) - max(a.x, b.x) > 1e-9
        and min(a.y + a.height, b.y + b.height) - max(a.y, b.y) > 1e-9
        for k, a in enumerate(boxes)
        for b in boxes[:k]
    ]
    assert not any(overlap)


def test_pictures(report: dict, tmp_path: Path) -> None:
    draw_treemap(report, tmp_path / "tree.svg")
    draw_bars(report, tmp_path / "top.png")
    assert "hatched: SRAM" in (tmp_path / "tree.svg").read_text() or (tmp_path / "tree.svg").stat().st_size > 4000
    assert (tmp_path / "top.png").read_bytes().startswith(b"\x89PNG")


def test_the_headline_has_the_share_of_sram_and_the_clock(report: dict) -> None:
    line = headline(report)
    assert f"({report['area_mm2']['memory_share']:.0%})" in line
    assert "MHz before layout" in line
