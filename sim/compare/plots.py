"""Curves of recorded sweeps, as Plotly takes them, each with its figures as a table and the file they are from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hw.generate import ROOT

PLOTS = Path(__file__).parent / "plots.json"  # which figures of docs/sweeps are drawn
COLOURS = ("#0b6e75", "#c2571a", "#6757b5", "#2f8f4e", "#b5478a", "#8a6d00", "#3b78c2", "#a33b3b", "#5d6b78")
Point = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Plot:
    """What a plot shows, or why it shows nothing."""

    id: str
    title: str
    source: str  #: the file that its figures are from
    traces: list[dict[str, Any]] = field(default_factory=list)
    layout: Mapping[str, Any] = field(default_factory=dict)
    head: Sequence[str] = ()
    figures: list[tuple[str, ...]] = field(default_factory=list)  #: the same as a table, under `head`
    why: str | None = None  #: there are none

    def json(self) -> dict[str, Any]:
        """For the page's script."""
        return {"traces": self.traces, "layout": dict(self.layout)}


def sweep_plots(root: Path = ROOT) -> Iterator[Plot]:
    """Every plot of `plots.json`; one whose file is not there, or holds other figures, says so in its place."""
    for number, told in enumerate(json.loads(PLOTS.read_text(encoding="utf-8"))):
        name = f"sweep-{number}"
        try:
            curves = _curves(json.loads((root / told["file"]).read_text(encoding="utf-8"))[told["rows"]], told)
        except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
            why = f"{told['file']} holds no such figures ({type(error).__name__}): run `tessera docs`"
            yield Plot(id=name, title=told["title"], source=told["file"], why=why)
            continue
        yield _lines(name, told, curves)


def _curves(rows: Sequence[Mapping[str, Any]], told: Mapping[str, Any]) -> dict[str, list[Point]]:
    """The points of every series, by its name, in the order of x."""
    curves: dict[str, list[Point]] = {}
    for row in rows:
        if any(row[key] != value for key, value in told["where"].items()) or row[told["x"]] is None:
            continue
        name = ", ".join(_named(key, row[key]) for key in told["by"])
        curves.setdefault(name, []).append((row[told["x"]], _figure(row, told["y"])))
    return {name: sorted(points) for name, points in curves.items()}


def _named(key: str, value: Any) -> str:
    return value if isinstance(value, str) else f"{key} {value}"


def _figure(row: Mapping[str, Any], name: str) -> float:
    """A figure, `a/b` of two, or `list.index`."""
    top, _, bottom = name.partition("/")
    if bottom:
        return row[top] / row[bottom]
    key, _, index = name.partition(".")
    return row[key][int(index)] if index else row[key]


def _lines(name: str, told: Mapping[str, Any], curves: Mapping[str, list[Point]]) -> Plot:
    axes = {
        axis: {"title": {"text": told[f"{letter}name"]}, "type": "log" if told[f"{letter}log"] else "linear"}
        for letter, axis in (("x", "xaxis"), ("y", "yaxis"))
    }
    traces = [
        {
            "x": [x for x, _ in points], "y": [y for _, y in points], "name": series or told["yname"],
            "mode": "lines+markers", "line": {"color": COLOURS[k % len(COLOURS)]},
        }
        for k, (series, points) in enumerate(curves.items())
    ]  # fmt: skip
    return Plot(
        id=name, title=told["title"], source=told["file"], traces=traces,
        layout={**axes, "showlegend": len(traces) > 1, "height": 380},
        head=("series", told["xname"], told["yname"]),
        figures=[(series, f"{x:g}", f"{y:.6g}") for series, points in curves.items() for x, y in points],
    )  # fmt: skip
