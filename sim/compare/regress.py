"""Figures that may not grow worse unnoticed: what is recorded in docs/regress.json beside what runs today."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from golden.errors import InputError
from hw.generate import ROOT
from sim.compare.comparison import cases
from sim.compare.costs import cost_of
from sim.compare.value import ESTIMATED
from sim.kernel.comparison import read_report
from sim.kernel.files import write_json
from sim.kernel.report import commit

RECORD = ROOT / "docs" / "regress.json"
SCHEMA = 1
MOST_WORSE = 0.01  # a figure that is worse by more than this share fails
#: Every figure: 1 where more is worse, -1 where less is.
FIGURES: Mapping[str, int] = {"cycles": 1, "bytes": 1, "area_mm2": 1, "useful_share": -1}
Figures = dict[str, dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Change:
    """A figure of a case that is not as recorded."""

    case: str
    figure: str
    before: float
    now: float

    @property
    def worse(self) -> float:
        """The share by which it is worse; below 0 if it is better."""
        if not self.before:
            return 0.0 if self.now == self.before else FIGURES[self.figure] * float("inf")
        return FIGURES[self.figure] * (self.now - self.before) / self.before

    def __str__(self) -> str:
        verdict = "worse" if self.worse > 0 else "better"
        return f"{self.case}: {self.figure} {self.before:g} -> {self.now:g}, {abs(self.worse):.2%} {verdict}"


def figures_now(folder: Path) -> Figures:
    """Of every case that has a report in `folder`: its figures, null where there is none, and the area's library."""
    found: Figures = {}
    for path, engine, case in cases(folder):
        if path.exists():
            report = read_report(path)
            cost = cost_of(engine, report["config_hash"])
            area = cost.area.number if cost.area.kind == ESTIMATED else None
            found[f"{engine} {case.name}"] = {
                "cycles": report["cycles"], "bytes": report["bytes"]["total"], "area_mm2": area,
                "library": None if area is None else cost.library, "useful_share": report["useful_share"],
            }  # fmt: skip
    return found


def recorded(path: Path) -> Figures:
    """What is recorded.

    Raises:
        InputError: there is no such file, or it is something else.
    """
    try:
        return parse(path.read_text(encoding="utf-8"), str(path))
    except FileNotFoundError:
        raise InputError(f"{path}: there is no record: `tessera regress --update` writes it") from None


def parse(text: str, name: str) -> Figures:
    """The figures of a record's text.

    Raises:
        InputError: it is no such record.
    """
    try:
        record = json.loads(text)
    except ValueError as error:
        raise InputError(f"{name}: a record is JSON: {error}") from error
    if not isinstance(record, dict) or record.get("schema") != SCHEMA or not isinstance(record.get("figures"), dict):
        raise InputError(f"{name}: a record must have schema {SCHEMA} and `figures`")
    return record["figures"]


def update(path: Path, figures: Figures) -> None:
    """Records the figures on purpose; an area that is not known today stays as it was."""
    before = recorded(path) if path.exists() else {}
    for case, found in figures.items():
        if found["area_mm2"] is None and case in before:
            found |= {name: before[case][name] for name in ("area_mm2", "library")}
    write_json(path, {"schema": SCHEMA, "commit": commit(), "figures": figures})


def changes(before: Figures, now: Figures) -> Iterator[Change]:
    """Every figure of both that differs; areas of two libraries are no figures of one kind."""
    for case in before.keys() & now.keys():
        for figure in FIGURES:
            old, new = before[case][figure], now[case][figure]
            alike = figure != "area_mm2" or before[case]["library"] == now[case]["library"]
            if alike and None not in (old, new) and old != new:
                yield Change(case=case, figure=figure, before=old, now=new)


def unmatched(before: Figures, now: Figures) -> Iterator[str]:
    """A line for each case that only one of the two has."""
    for case in sorted(before.keys() ^ now.keys()):
        yield f"{case}: " + ("it is recorded, and did not run" if case in before else "it is not recorded")
