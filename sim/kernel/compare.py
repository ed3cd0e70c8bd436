"""RTL against model: the first word that differs, and the first stage that made it differ."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import itemgetter
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from amaranth.lib import data

from hw.lib.fields import fields_of_layout, unpack_fields

#: Arrays by name. A name is `stage` or `stage.field`; fields of one stage have the same indices. A stage may be one of
#: a numbered series, `stage 3`.
Results = Mapping[str, npt.NDArray]
#: What the indices of the arrays of a stage or of a series of stages count: a word for each axis, or a name for each
#: index of it.
Axes = Mapping[str, Sequence[str | Sequence[str]]]
Row = Mapping[str, int]


class CheckError(RuntimeError):
    """RTL and model differ; the message names stage, index, field, expected and got."""


@dataclass(frozen=True, kw_only=True)
class StageStream:
    """What a recorded stream must carry, group by group; a stream without groups is one group.

    `end` and `some` name the bits of a payload that close a group and that say it holds anything; without `end` each
    group has as many payloads as are expected of it, the last one all that follow. Hardware may cut a group short where
    nothing more of it matters: `cut` says whether that is an error, whether what was sent must still be right
    (`prefix`), or whether such a group is passed over, since its order is then free (`skip`). Where hardware sends a
    group in any order, `key` names the field by which the expected payloads are sorted.
    """

    layout: data.Layout | int
    groups: Sequence[Sequence[Row]]
    end: str | None = None
    some: str | None = None
    key: str | None = None
    cut: Literal["never", "prefix", "skip"] = "never"


def first_difference(expected: Results, got: Results, axes: Axes) -> str | None:
    """Names stage, index, field, expected and got of the first word that differs, in the order of `expected`."""
    for name, want in expected.items():
        stage, _, field = name.partition(".")
        have = got[name]
        if want.shape != have.shape:
            return f"{_place(stage, field)} expected {_size(want)} words, got {_size(have)}"
        wrong = np.argwhere(want != have)
        if len(wrong):
            index = tuple(int(i) for i in wrong[0])
            labels = axes.get(series(stage), ("index",) * len(index))
            where = " ".join(_label(label, i) for label, i in zip(labels, index, strict=True))
            return (
                f"{_place(stage, ' '.join((where, field)).strip())} expected {_number(want[index])}, "
                f"got {_number(have[index])} ({len(wrong)} of {want.size} words differ)"
            )
    return None


def first_stage(streams: Mapping[str, StageStream], taps: Mapping[str, Path]) -> str | None:
    """Names the first difference of the earliest stage that has one in the earliest group; None if all are right.

    Groups count before stages: where results come back to the first stage, a later group's first stage is no cause.
    """
    found = [
        difference
        for stage, expected in streams.items()
        if (difference := _compare_stream(stage, expected, _recorded(taps[stage], expected)))
    ]
    return min(found, key=lambda difference: difference[0])[1] if found else None


def series(stage: str) -> str:
    """The stage's name without its number in a series."""
    return re.sub(r" \d+$", "", stage)


def _place(stage: str, rest: str) -> str:
    return f"{stage}: {rest}:" if rest else f"{stage}:"


def _label(label: str | Sequence[str], index: int) -> str:
    return f"{label} {index}" if isinstance(label, str) else label[index]


def _size(array: npt.NDArray) -> str:
    return "×".join(map(str, array.shape))


def _number(value: np.generic) -> str:
    """Wide words are read in hexadecimal."""
    number = int(value)
    return hex(number) if abs(number) > 0xFFFF else str(number)


def _recorded(path: Path, stream: StageStream) -> list[list[Row]]:
    groups: list[list[Row]] = [[]]
    fields = fields_of_layout(stream.layout)
    for line in path.read_text().split():
        row = unpack_fields(int(line, 16), fields)
        if stream.end and row[stream.end]:
            groups.append([])
        elif not stream.some or row[stream.some]:
            groups[-1].append(row)
    if not stream.end:
        ends = np.cumsum([len(group) for group in stream.groups])[:-1]
        groups = [groups[0][begin:end] for begin, end in pairwise([0, *ends.tolist(), None])]
    return [sorted(group, key=itemgetter(stream.key)) for group in groups] if stream.key else groups


def _compare_stream(stage: str, stream: StageStream, got: Sequence[Sequence[Row]]) -> tuple[int, str] | None:
    """The number of the first group that differs, and its difference."""
    for number, rows in enumerate(stream.groups):
        sent = got[number] if number < len(got) else []
        place = f"{stage}: group {number} index" if len(stream.groups) > 1 or stream.end else f"{stage}: index"
        if len(sent) < len(rows) and stream.cut == "skip":
            continue
        for index, row in enumerate(sent):
            if index >= len(rows):
                return number, f"{place} {index}: expected nothing, got {dict(row)}"
            for field, value in rows[index].items():
                if row[field] != value:
                    where = f"{place} {index} {field}".rstrip()  # a stream of plain numbers has no field's name
                    return number, f"{where}: expected {value}, got {row[field]}"
        if len(sent) < len(rows) and stream.cut == "never":
            return number, f"{place} {len(sent)}: expected {dict(rows[len(sent)])}, got nothing"
    return None
