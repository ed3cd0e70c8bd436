"""Where a stream or an array differs from what was expected, as a line and as a small table. Benches import it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

WIDE = 0xFFFF  # a larger number is shown in hexadecimal
Row = Mapping[str, int]  # a payload's fields; a plain number is one field without a name


class Field(NamedTuple):
    """One that differs."""

    name: str
    expected: str
    found: str


class Word(NamedTuple):
    """One of a result's."""

    name: str
    index: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """The first place where something differs, and how much does. `str` is one line with the first field."""

    place: str  #: `fine_filter: group 3 index 17`, or `state:` where no index is
    fields: Sequence[Field]
    extent: str  #: how much differs
    cycle: int | None = None
    word: Word | None = None  #: of a result

    def __str__(self) -> str:
        name, expected, found = self.fields[0]
        where = f"{self.place} {name}".rstrip(": ")
        return f"{where}: expected {expected}, got {found}" + (f" ({self.extent})" if self.extent else "")

    def table(self) -> str:
        """Place, cycle and extent, and a line for every field that differs."""
        when = "" if self.cycle is None else f", cycle {self.cycle}"
        head = f"{self.place.removesuffix(':')}{when}: {self.extent or 'differs'}"
        rows = [Field("field", "expected", "found"), *self.fields]
        widths = [max(len(row[k]) for row in rows) for k in range(3)]
        return "\n".join([head, *(f"  {n:<{widths[0]}}  {e:>{widths[1]}}  {f:>{widths[2]}}" for n, e, f in rows)])


def number(value: int) -> str:
    """Decimal, or hexadecimal where it is wide."""
    return hex(value) if abs(value) > WIDE else str(value)


def fields_that_differ(expected: Row | None, found: Row | None) -> list[Field]:
    """Of two payloads, in the fields that `expected` names; None stands for no payload."""
    if expected is None or found is None:
        return [Field("", _whole(expected), _whole(found))]
    return [Field(name, number(v), number(found[name])) for name, v in expected.items() if found[name] != v]


def _whole(row: Row | None) -> str:
    if row is None:
        return "nothing"
    if list(row) == [""]:
        return number(row[""])
    return "{" + ", ".join(f"{name}: {number(value)}" for name, value in row.items()) + "}"


E = TypeVar("E")
F = TypeVar("F")


def first_of_stream(
    place: str, expected: Sequence[E], found: Sequence[F], *, equal: Callable[[E, F], bool],
    fields: Callable[[E | None, F | None], Sequence[Field]], cycles: Sequence[int] = (), may_end: bool = False,
) -> Difference | None:  # fmt: skip
    """The first payload that differs, is missing or too many; the others are counted.

    `cycles`: when each of `found` moved. `may_end`: that some are missing at the end is no difference.
    """
    common = min(len(expected), len(found))
    wrong = [k for k in range(common) if not equal(expected[k], found[k])]
    missing = 0 if may_end else len(expected) - common
    surplus = len(found) - common
    if not (wrong or missing or surplus):
        return None
    first = wrong[0] if wrong else common
    pair = expected[first] if first < len(expected) else None, found[first] if first < len(found) else None
    counts = ((len(wrong), "differ"), (missing, "are missing"), (surplus, "are too many"))
    counted = ", ".join(f"{count} {verb}" for count, verb in counts if count)
    return Difference(
        place=f"{place} {first}",
        fields=fields(*pair),
        extent=_shift(expected, found, first, equal) or f"of {len(expected)} payloads {counted}",
        cycle=cycles[min(first, len(cycles) - 1)] if cycles else None,
    )


def _shift(expected: Sequence[E], found: Sequence[F], first: int, equal: Callable[[E, F], bool]) -> str | None:
    """One payload that was lost or added makes all that follow differ: says so, if nothing else is wrong."""
    for cause, wanted, sent in (
        ("payload {} is missing", expected[first + 1 :], found[first:]),
        ("payload {} is one more", expected[first:], found[first + 1 :]),
    ):
        if len(wanted) == len(sent) > 1 and all(map(equal, wanted, sent)):
            return f"{cause.format(first)}; from there on the stream equals the expected one shifted by one"
    return None
