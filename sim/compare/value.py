"""A figure with where it comes from, or a hole with the reason: no number of the comparison stands without one."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hw.generate import ROOT

#: How a figure was found. A hole has no number, and its note says why and what would fill it.
MEASURED, SIMULATED, ESTIMATED, RECORDED = "measured", "measured in simulation", "estimated", "recorded"
MODELLED, DERIVED, PUBLISHED, ASSUMED, HOLE = "modelled", "derived", "published", "assumed", "hole"


@dataclass(frozen=True, kw_only=True)
class Value:
    """A number, its unit, its kind, and its source: a file of this checkout, or a publication."""

    number: float | None
    unit: str
    kind: str  #: one of the above
    source: str  #: a path from the checkout's root, or a publication; of a hole empty
    note: str = ""  #: what a reader must know beside it; of a hole, why it is one

    def json(self) -> dict[str, Any]:
        """For the comparison's JSON and its page."""
        return asdict(self)


def hole(unit: str, why: str) -> Value:
    """No figure, and why."""
    return Value(number=None, unit=unit, kind=HOLE, source="", note=why)


def derived(number: float, unit: str, *parts: Value, note: str = "") -> Value:
    """A figure worked out of others: its sources are theirs, and it is no better than the least sure of them."""
    doubtful = [part.kind for part in parts if part.kind in (ASSUMED, MODELLED, ESTIMATED, RECORDED)]
    kind = next((k for k in (ASSUMED, MODELLED, ESTIMATED, RECORDED) if k in doubtful), DERIVED)
    sources = dict.fromkeys(part.source for part in parts if part.source)
    return Value(number=number, unit=unit, kind=kind, source="; ".join(sources), note=note)


def over(top: Value, bottom: Value, unit: str, *, factor: float = 1.0, note: str = "") -> Value:
    """`factor` · top / bottom, or the hole of whichever of the two is one."""
    for part in (top, bottom):
        if part.number is None:
            return hole(unit, part.note)
    if not bottom.number:
        return hole(unit, "divided by 0")
    return derived(factor * (top.number or 0.0) / bottom.number, unit, top, bottom, note=note)


def times(first: Value, second: Value, unit: str, *, factor: float = 1.0, note: str = "") -> Value:
    """`factor` · first · second, or the hole of whichever of the two is one."""
    for part in (first, second):
        if part.number is None:
            return hole(unit, part.note)
    return derived(factor * (first.number or 0.0) * (second.number or 0.0), unit, first, second, note=note)


def shown(value: Value, digits: int = 4) -> str:
    """For a table: the number with its unit, or a dash."""
    if value.number is None:
        return "–"
    number = value.number
    text = f"{number:,.0f}" if number == int(number) and abs(number) < 1e9 else f"{number:,.{digits}g}"
    if abs(number) >= 10**digits:
        text = f"{number:,.0f}"
    unit = value.unit.replace("mm2", "mm²").replace("us", "µs")
    return f"{text} {unit}".strip() if unit != "%" else f"{number:.1f} %"


def place(path: Path | str) -> str:
    """A file's path from the checkout's root, or as it is outside."""
    whole = Path(path).absolute()
    return whole.relative_to(ROOT).as_posix() if whole.is_relative_to(ROOT) else str(path)
