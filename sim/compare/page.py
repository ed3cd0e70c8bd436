"""The comparison as one page that needs no network: every number leads to its source, which the page holds."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape
from plotly.offline import get_plotlyjs

from hw.generate import ROOT
from sim.compare import value
from sim.compare.bars import bounds, times
from sim.compare.comparison import Comparison
from sim.compare.plots import Plot, sweep_plots
from sim.compare.published import claims_of
from sim.compare.value import Value, shown
from sim.engines import ENGINES
from sim.kernel.files import write_text

HERE = Path(__file__).parent
MOST_BYTES = 10_000_000
SHOWN_BYTES = 150_000  # of a source that the page holds itself; a longer file is a link alone
#: The letter behind a number.
MARKS = {
    value.SIMULATED: "s", value.MEASURED: "m", value.RECORDED: "r", value.ESTIMATED: "e", value.DERIVED: "d",
    value.MODELLED: "o", value.PUBLISHED: "p", value.ASSUMED: "a",
}  # fmt: skip
OVERVIEW = ("cycles", "ratio", "useful share", "clock", "time", "needs", "area")
DEVICE_COLUMNS = (
    ("cores", "float32 lanes"), ("clock_mhz", "MHz"), ("fp32_tflops", "TFLOPS"), ("bandwidth_gbs", "GB/s"),
    ("power_w", "W"), ("area_mm2", "mm²"),
)  # fmt: skip
_URLS = (
    (re.compile(r"arXiv (\d{4}\.\d{4,5})"), r"https://arxiv.org/abs/\1"),
    (re.compile(r"doi (10\.\S+?)(?:,|$)"), r"https://doi.org/\1"),
    (re.compile(r"^(?:.*, )?((?:[\w-]+\.)+(?:com|net|org|io|co)/\S+?)[:,]?(?:\s|$)"), r"https://\1"),
    (re.compile(r"^gsplat, (\S+), commit (\w+)"), r"https://github.com/nerfstudio-project/gsplat/blob/\2/\1"),
    (re.compile(r"^([\w.-]+/[\w.-]+), README"), r"https://github.com/\1"),
)


@dataclass
class Sources:
    """What the page's numbers lead to, numbered in the order in which it speaks of them."""

    folder: Path  #: of the page, from which files are linked
    ids: dict[str, str] = field(default_factory=dict)

    def anchor(self, source: str) -> str:
        """The place on the page of a source, or of the first of several."""
        parts = [part.strip() for part in source.split(";")]
        for part in parts:
            self.ids.setdefault(part, f"source-{len(self.ids) + 1}")
        return self.ids[parts[0]]

    def entries(self) -> list[dict[str, Any]]:
        """Id, text, link and, of a short file, the content of each."""
        return [{"id": name, "text": text, **self._lead(text)} for text, name in self.ids.items()]

    def _lead(self, text: str) -> dict[str, str | None]:
        path = ROOT / text.split(",")[0]
        if text and path.is_file():
            link = os.path.relpath(path, self.folder)
            return {"url": link, "content": path.read_text() if path.stat().st_size <= SHOWN_BYTES else None}
        return {"url": url_of(text), "content": None}


def url_of(source: str) -> str | None:
    """Where a publication or page can be read; None where its text says no place."""
    for pattern, url in _URLS:
        found = pattern.search(source)
        if found:
            return found.expand(url)
    return None


def write_page(path: Path, comparison: Comparison, pictures: Mapping[str, Mapping[str, Path]]) -> None:
    """Writes the page.

    Args:
        pictures: of a report's stem, less `report-`, pictures by title.
    """
    write_text(path, render(path.parent.absolute(), comparison, pictures))


def render(folder: Path, comparison: Comparison, pictures: Mapping[str, Mapping[str, Path]]) -> str:
    """The page's text, for a file in `folder`."""
    sources = Sources(folder)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE), autoescape=True, undefined=jinja2.StrictUndefined
    )
    environment.globals |= {
        "anchor": sources.anchor, "sources": sources.entries, "tip": tip, "shown": lambda v: shown(Value(**v)),
        "mark": MARKS.get, "figure": lambda plot: _figure(plot, sources),
    }  # fmt: skip
    plots = list(sweep_plots())
    bars = [drawn.json() for drawn in (times(comparison.rows), bounds(comparison.rows)) if drawn]
    whole = comparison.json()
    numbered = list(enumerate(whole["rows"]))
    return environment.get_template("page.html").render(
        comparison=whole, marks=MARKS, tabs=_tabs(), overview_columns=OVERVIEW, device_columns=DEVICE_COLUMNS,
        engines={name: [(i, row) for i, row in numbered if row["engine"] == name] for name in ENGINES},
        why={name: _why(name, comparison.missing) for name in ENGINES},
        claims={name: [_claim(c) for c in claims_of(name)] for name in ENGINES},
        frames={row["report"]: _frames(row["report"], pictures) for row in whole["rows"]},
        bars=bars, sweep_plots=plots, plots_json=_script({plot.id: plot.json() for plot in plots if not plot.why}),
        css=Markup((HERE / "page.css").read_text()), js=Markup((HERE / "page.js").read_text()),
        plotly=Markup(get_plotlyjs()),
    )  # fmt: skip


def tip(v: Mapping[str, Any]) -> str:
    """What is said of a number when it is pointed at."""
    note = f"{v['note']}. " if v["note"] else ""
    return f"{v['kind']}. {note}{v['source']}"


def _tabs() -> list[tuple[str, str]]:
    engines = [(name, name) for name in ENGINES]
    return [("overview", "Overview"), *engines, ("sweeps", "Sweeps"), ("gpus", "Processors"), ("sources", "Sources")]


def _why(engine: str, missing: Sequence[str]) -> str:
    lines = [line for line in missing if line.startswith(f"{engine} ")]
    return "; ".join(lines) or "none was given"


def _claim(claim: Any) -> dict[str, Any]:
    return asdict(claim) | {"value": claim.value, "provenance": claim.provenance}


def _frames(report: str, pictures: Mapping[str, Mapping[str, Path]]) -> list[dict[str, str]]:
    """Pictures of a report as data; none where there are not two to set against each other."""
    drawn = pictures.get(Path(report).stem.removeprefix("report-"), {})
    if len(drawn) < 2:
        return []
    data = {title: base64.b64encode(path.read_bytes()).decode() for title, path in drawn.items()}
    return [{"title": title, "data": f"data:image/png;base64,{text}"} for title, text in data.items()]


def _figure(plot: Plot, sources: Sources) -> Markup:
    """A plot's place, and below it its figures as a table."""
    if plot.why:
        return Markup('<figure class="plot"><figcaption>{}</figcaption><p class="why">{}</p></figure>').format(
            plot.title, plot.why
        )
    lead = escape(plot.source)
    if (ROOT / plot.source).is_file():
        lead = Markup('<a href="#{}">{}</a>').format(sources.anchor(plot.source), plot.source)
    table = _table(plot.head, plot.figures)
    return Markup(
        '<figure class="plot"><figcaption>{} <small>{}</small></figcaption><div class="canvas" id="{}"></div>'
        "<details><summary>the figures</summary>{}</details></figure>"
    ).format(plot.title, lead, plot.id, table)


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> Markup:
    def cells(tag: str, texts: Sequence[str]) -> Markup:
        return Markup("<tr>{}</tr>").format(Markup("").join(Markup(f"<{tag}>{{}}</{tag}>").format(t) for t in texts))

    body = Markup("").join(cells("td", line) for line in lines)
    return Markup("<table><thead>{}</thead><tbody>{}</tbody></table>").format(cells("th", head), body)


def _script(told: Any) -> Markup:
    """JSON that can stand in a page: nothing in it ends the script."""
    return Markup(json.dumps(told, allow_nan=False).replace("</", "<\\/").replace("<!--", "<\\u0021--"))
