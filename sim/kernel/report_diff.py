"""Two reports beside each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from golden.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Row:
    """A value of two reports; None where one has none."""

    key: str  #: the way to it, as in `counters.cycles`
    first: Any
    second: Any

    @property
    def differs(self) -> bool:
        """Another value, or a value on one side alone."""
        return self.first != self.second

    @property
    def ratio(self) -> float | None:
        """Second over first, where both are numbers and the first is not 0."""
        numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in (self.first, self.second))
        return self.second / self.first if numbers and self.first else None


def report_rows(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[Row]:
    """Every value of two reports, in the order of the first and then of what only the second has.

    Raises:
        InputError: they are not two reports of one engine in one schema.
    """
    for key in ("schema", "engine"):
        values = first.get(key), second.get(key)
        if None in values:
            raise InputError(f"both files must be reports, which name their {key}; one does not")
        if values[0] != values[1]:
            raise InputError(f"reports must be of one {key}, they are of {values[0]} and {values[1]}")
    a, b = dict(_values("", first)), dict(_values("", second))
    return [Row(key=key, first=a.get(key), second=b.get(key)) for key in {**a, **b}]


def _values(place: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Every innermost value, by the way to it."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _values(f"{place}.{key}" if place else key, inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _values(f"{place}[{index}]", inner)
    else:
        yield place, value
