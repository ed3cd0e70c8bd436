from __future__ import annotations

import json
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from sim.compare.comparison import Comparison, compare, pictures
from sim.compare.page import MOST_BYTES, render, url_of
from sim.compare.plots import sweep_plots
from sim.compare.published import claims_of
from sim.engines import ENGINES
from tests.sim.compare.reports import FRAME, estimate, record, report, write_report


class Page(HTMLParser):
    """Elements with their attributes; scripts and styles are no elements."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, name: str) -> list[dict[str, str | None]]:
        """Of every element with the attribute."""
        return [attributes for _, attributes in self.tags if name in attributes]


@pytest.fixture
def comparison(places: Path) -> Comparison:
    """Two rows, one of them with an estimate and a measured rival, the other with holes."""
    estimate(places / "estimate")
    record(places / "records", "splat", method="</script><b>")
    tree = {"tree": "t", "nodes": 9, "tau_px": 3.0, "size": "64x64", "view": "1/3"}
    return compare(
        [
            write_report(places, "splat-x", report(workload=FRAME | {"scene": "a <b>"})),
            write_report(places, "lod-x", report("lod", workload=tree)),
            write_report(places, "splat-y", report()),
        ]
    )


def at(value: Any, path: str) -> Any:
    """What stands in the JSON at `a.0.b`; the last parts may hold dots themselves."""
    head, _, rest = path.partition(".")
    if isinstance(value, list):
        return at(value[int(head)], rest) if rest else value[int(head)]
    for name in sorted(value, key=len, reverse=True):
        if path == name:
            return value[name]
        if path.startswith(f"{name}."):
            return at(value[name], path[len(name) + 1 :])
    raise KeyError(path)


def test_figures_equal_the_jsons(comparison: Comparison, places: Path) -> None:
    """Every number of the page is the number at its place in the JSON; none of the rows' is left out."""
    whole = json.loads(json.dumps(comparison.json()))
    whole["claims"] = {name: [{"number": c.low} for c in claims_of(name)] for name in ENGINES}
    page = Page(render(places, comparison, pictures(places)))
    seen = set()
    for number in page.all("data-path"):
        found = at(whole, number["data-path"] or "")
        if isinstance(found, dict):
            found = found["number"] if "number" in found else found["low"]
        shown = number.get("data-number")
        assert (None if shown is None else float(shown)) == found, number
        seen.add(number["data-path"])
    assert len(seen) > 150
    assert {f"rows.{k}.values.{name}" for k, row in enumerate(whole["rows"]) for name in row["values"]} <= seen


def test_every_number_leads_to_its_source(comparison: Comparison, places: Path) -> None:
    """A number is a link to a place on the page, which names a file or a publication; a hole has its reason."""
    page = Page(render(places, comparison, pictures(places)))
    ids = {one["id"] for one in page.all("id")}
    assert len(ids) == len(page.all("id"))
    numbers = [attributes for tag, attributes in page.tags if tag == "a" and attributes.get("class") == "n"]
    assert len(numbers) > 150
    for number in numbers:
        assert (number["href"] or "").removeprefix("#") in ids
        assert number["data-tip"]
    holes = [attributes for tag, attributes in page.tags if attributes.get("class") == "hole"]
    assert holes
    assert all(hole["data-tip"] for hole in holes)
    assert all(one["tabindex"] == "0" for one in holes), "a keyboard reaches them"


def test_it_needs_no_network_and_is_small(comparison: Comparison, places: Path) -> None:
    """Nothing is loaded but what the page holds; names from outside cannot break it."""
    text = render(places, comparison, pictures(places))
    assert len(text.encode()) < MOST_BYTES
    page = Page(text)
    for tag, attributes in page.tags:
        assert (attributes.get("src") or "data:").startswith("data:"), tag
        assert tag != "link" or (attributes["href"] or "").startswith("data:")
    assert "a &lt;b&gt;" in text
    assert "&lt;/script&gt;&lt;b&gt;" in text
    assert "@import" not in text.split("</style>")[0]


def test_an_engine_without_a_report_says_why(places: Path) -> None:
    """No rows at all: the page stands, with its tabs, publications and the lines of what is missing."""
    text = render(places, compare(folder=places), {})
    assert text.count("No report of this engine: ") == len(ENGINES)
    assert "is not there: run `tessera compare --run`" in text
    assert "StreamingGS" in text


def test_a_sweep_that_is_gone_is_a_hole(comparison: Comparison, places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its place says which file, and what makes it."""
    monkeypatch.setattr("sim.compare.page.sweep_plots", partial(sweep_plots, places))
    text = render(places, comparison, {})
    assert "docs/sweeps/splat.json holds no such figures (FileNotFoundError): run `tessera docs`" in text


@pytest.mark.parametrize(
    ("source", "url"),
    [
        ("StreamingGS (DAC 2025), arXiv 2506.09070", "https://arxiv.org/abs/2506.09070"),
        ("Nebula (ASPLOS 2026), doi 10.1145/3779212.3790190", "https://doi.org/10.1145/3779212.3790190"),
        ("nv-tlabs/3dgrut, README", "https://github.com/nv-tlabs/3dgrut"),
        ("deviceQuery, gist.github.com/a/b", "https://gist.github.com/a/b"),
        ("huggingface.co/hardware/jetson-xavier-nx", "https://huggingface.co/hardware/jetson-xavier-nx"),
        ("GSCore (ASPLOS 2024)", None),
    ],
)
def test_a_publication_has_a_link(source: str, url: str | None) -> None:
    """Where its text says one."""
    assert url_of(source) == url
