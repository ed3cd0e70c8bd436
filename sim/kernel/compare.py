"""RTL against model: the first word that differs, and the first stage that made it differ."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from amaranth.lib import data

from hw.lib.fields import fields_of_layout, unpack_fields
from hw.lib.memory_port import ADDRESS_WIDTH
from sim.kernel.differences import Difference, Field, Row, Word, fields_that_differ, first_of_stream, number

#: Arrays by name. A name is `stage` or `stage.field`; fields of one stage have the same indices. A stage may be one of
#: a numbered series, `stage 3`.
Results = Mapping[str, npt.NDArray]
#: What the indices of the arrays of a stage or of a series of stages count: a word for each axis, or a name for each
#: index of it.
Axes = Mapping[str, Sequence[str | Sequence[str]]]


PICTURE = ("y", "x")  # the first axes of one


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


def first_difference(expected: Results, got: Results, axes: Axes) -> Difference | None:
    """The first word that differs, in the order of `expected`, with what else differs at the same place of its stage.

    Where the last axis has names, they are fields of a place.
    """
    for name, want in expected.items():
        have = got[name]
        if want.shape != have.shape:
            stage, _, field = name.partition(".")
            sizes = (f"{_size(want)} words", _size(have))
            return Difference(place=f"{stage}:", fields=[Field(field, *sizes)], extent="")
        wrong = want != have
        if wrong.any():
            return _first_word(name, np.argwhere(wrong)[0], expected, got, axes)
    return None


def _first_word(name: str, place: npt.NDArray[np.int64], expected: Results, got: Results, axes: Axes) -> Difference:
    stage = name.partition(".")[0]
    index = tuple(int(i) for i in place)
    labels = axes.get(series(stage), ("index",) * len(index))
    wrong = expected[name] != got[name]
    extent = f"{int(wrong.sum())} of {wrong.size} words differ"
    if labels and not isinstance(labels[-1], str):
        spots = wrong.any(-1)
        fields = [
            Field(label, _number(expected[name][*index[:-1], k]), _number(got[name][*index[:-1], k]))
            for k, label in enumerate(labels[-1])
            if wrong[*index[:-1], k]
        ]
        extent += f", in {int(spots.sum())} of {spots.size} {'pixels' if labels[:2] == PICTURE else 'places'}"
        index = index[:-1]
    else:
        fields = [
            Field(other.partition(".")[2], _number(want[index]), _number(got[other][index]))
            for other, want in expected.items()
            if other.partition(".")[0] == stage and want.shape == got[other].shape == wrong.shape
            if want[index] != got[other][index]
        ]
    where = " ".join(f"{label} {i}" for label, i in zip(labels, index, strict=False))
    word = Word(name, tuple(int(i) for i in place))
    return Difference(place=f"{stage}: {where}".rstrip(), fields=fields, extent=extent, word=word)


def picture_difference(expected: Results, got: Results, axes: Axes) -> npt.NDArray[np.uint8] | None:
    """Of the first result that is a picture: white where a pixel differs, the rest a third as bright as expected."""
    for name, labels in axes.items():
        if tuple(labels[:2]) == PICTURE and expected[name].shape == got[name].shape:
            wrong = (expected[name] != got[name]).any(-1, keepdims=True)
            return np.where(wrong, 255, expected[name][..., :3] // 3).astype(np.uint8)
    return None


def first_stage(streams: Mapping[str, StageStream], taps: Mapping[str, Path]) -> Difference | None:
    """The first difference of the earliest stage that has one in the earliest group; None if all are right.

    Groups count before stages: where results come back to the first stage, a later group's first stage is no cause.
    """
    found = [
        difference
        for stage, expected in streams.items()
        if (difference := _compare_stream(stage, expected, _recorded(taps[stage], expected)))
    ]
    return min(found, key=lambda difference: difference[0])[1] if found else None


def last_write(tap: Path, address: int, word_bytes: int) -> int | None:
    """When the word that holds a byte was written last, in a recording of all writes; None if it never was."""
    cycle = None
    for payload, when in _lines(tap):
        if payload & (1 << ADDRESS_WIDTH) - 1 == address // word_bytes * word_bytes:
            cycle = when
    return cycle


def series(stage: str) -> str:
    """The stage's name without its number in a series."""
    return re.sub(r" \d+$", "", stage)


def _size(array: npt.NDArray) -> str:
    return "×".join(map(str, array.shape))


def _number(value: np.generic) -> str:
    return number(int(value))


class _Taken(NamedTuple):
    """A payload that moved, and when."""

    row: Row
    cycle: int


def _lines(path: Path) -> Iterator[tuple[int, int]]:
    """Payload and cycle of everything that stream_tap.v recorded."""
    with path.open() as lines:
        for line in lines:
            payload, cycle = line.split()
            yield int(payload, 16), int(cycle)


def _recorded(path: Path, stream: StageStream) -> list[list[_Taken]]:
    groups: list[list[_Taken]] = [[]]
    fields = fields_of_layout(stream.layout)
    for payload, cycle in _lines(path):
        row = unpack_fields(payload, fields)
        if stream.end and row[stream.end]:
            groups.append([])
        elif not stream.some or row[stream.some]:
            groups[-1].append(_Taken(row, cycle))
    if not stream.end:
        ends = np.cumsum([len(group) for group in stream.groups])[:-1]
        groups = [groups[0][begin:end] for begin, end in pairwise([0, *ends.tolist(), None])]
    key = stream.key or ""
    return [sorted(group, key=lambda taken: taken.row[key]) for group in groups] if key else groups


def _compare_stream(stage: str, stream: StageStream, got: Sequence[Sequence[_Taken]]) -> tuple[int, Difference] | None:
    """The number of the first group that differs, and its difference."""
    several = len(stream.groups) > 1 or bool(stream.end)
    for k, rows in enumerate(stream.groups):
        taken = got[k] if k < len(got) else []
        if len(taken) < len(rows) and stream.cut == "skip":
            continue
        difference = first_of_stream(
            f"{stage}: group {k} index" if several else f"{stage}: index",
            rows, [sent.row for sent in taken],
            equal=lambda want, have: all(have[name] == value for name, value in want.items()),
            fields=fields_that_differ, cycles=[sent.cycle for sent in taken], may_end=stream.cut != "never",
        )  # fmt: skip
        if difference:
            return k, difference
    return None
