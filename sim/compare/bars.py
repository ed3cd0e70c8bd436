"""Bars of the page, drawn by its style sheet: they fit a phone and paper, and each ends in a number with its source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Any

from sim.compare.rows import Row
from sim.compare.value import Value


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A number, and the way to it in the comparison's JSON."""

    name: str
    kind: str  #: the colour: RTL, measured, modelled
    value: Value
    path: str


@dataclass(frozen=True, kw_only=True)
class Bars:
    """Groups of bars along one axis, from its `low` to its `high` end."""

    title: str
    unit: str
    log: bool
    low: float
    high: float
    groups: list[tuple[str, list[Bar]]]

    def json(self) -> dict[str, Any]:
        """For the template: every bar's length and every tick's place as a percentage of the axis."""
        return {
            "title": self.title,
            "ticks": [{"at": self._at(tick), "text": f"{tick:,g}"} for tick in self._ticks()],
            "unit": self.unit,
            "groups": [
                {
                    "name": name,
                    "bars": [
                        {
                            "name": bar.name, "kind": bar.kind, "path": bar.path, "value": bar.value.json(),
                            "length": self._at(bar.value.number or self.low),
                        }
                        for bar in bars
                    ],
                }
                for name, bars in self.groups
            ],
        }  # fmt: skip

    def _at(self, number: float) -> float:
        scale = log10 if self.log else float
        return round(100 * (scale(number) - scale(self.low)) / (scale(self.high) - scale(self.low)), 2)

    def _ticks(self) -> list[float]:
        if self.log:
            return [10.0**power for power in range(round(log10(self.low)), round(log10(self.high)) + 1)]
        return [self.low + k * (self.high - self.low) / 4 for k in range(5)]


def times(rows: Sequence[Row]) -> Bars | None:
    """A bar for every time, workload by workload: the engine's at its clock, and the same workload's elsewhere."""
    groups = [(f"{row.engine}: {row.label}", list(_times(row, k))) for k, row in enumerate(rows)]
    numbers = [bar.value.number or 0.0 for _, bars in groups for bar in bars]
    if not numbers:
        return None
    low, high = 10.0 ** floor(log10(min(numbers))), 10.0 ** ceil(log10(max(numbers)))
    return Bars(
        title="Time of the same workload, logarithmic", unit="ms", log=True, low=low, high=max(high, 10 * low),
        groups=groups,
    )  # fmt: skip


def bounds(rows: Sequence[Row]) -> Bars | None:
    """Cycles over the lower bound of each row."""
    bars = [
        Bar(name=f"{row.engine}: {row.label}", kind="RTL", value=row.values["ratio"], path=f"rows.{k}.values.ratio")
        for k, row in enumerate(rows)
        if row.values["ratio"].number is not None
    ]
    if not bars:
        return None
    high = ceil(max(bar.value.number or 0.0 for bar in bars))
    return Bars(title="Cycles over the lower bound", unit="×", log=False, low=0.0, high=high, groups=[("", bars)])


def _times(row: Row, k: int) -> Iterator[Bar]:
    if row.values["time"].number is not None:
        yield Bar(name="RTL", kind="RTL", value=row.values["time"], path=f"rows.{k}.values.time")
    for j, rival in enumerate(row.rivals):
        if rival.time.number is not None:
            name = f"{rival.device}, {rival.method}"
            yield Bar(name=name, kind=rival.kind, value=rival.time, path=f"rows.{k}.rivals.{j}.time")
