"""Command lines made of the commands' own options, with good, odd and impossible values."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable
from pathlib import Path

import click

from sim.cli import cli
from tests.fuzz.files import KINDS

LINES = "lines"  # as the name of a target
#: Commands that build or place hardware or write measurements are left out: their work is not in reading a line.
COMMANDS = ("render", "lod", "retrieve", "compress", "reduce", "gather", "decode", "reuse")
#: Good and bad values of every kind of option. What is good is small, so that a good line takes no second.
VALUES = (
    "0", "1", "2", "3", "7", "16", "-1", "0.5", "1e-3", "-0.0", "nan", "inf", "-inf", "1e400", "99999999999999999999",
    "0x10", "1_0", "٣", "", " ", "-", "--", "=", "/", "0/0", "1/3", "3/1", "-1/3", "1/3/5", "16x16", "0x16", "16x-1",
    "16x16x16", "99999x99999", "1e9x1", "tiny", "default", "paper", "xor", "ring", "rotate", "half", "integer", "orbit",
    "walk", "resv", "pages", "model", "reference", "gpu", "group_size=16", "sort_levels=99", "spec=1", "=1", "a=b",
    "nodes=3", "embedded", "no such file", ".", "\0", "\udcff", "é×", "[red]", "a\nb",
)  # fmt: skip


def fixtures(folder: Path) -> list[str]:
    """Good files of every kind, in `folder`; their names."""
    found: dict[str, bytes] = {}
    for name, kind in KINDS.items():
        for file, data in kind.pack(kind.seeds[0]).items():
            found[f"{name}-{file}"] = data
    for file, data in found.items():
        (folder / file).write_bytes(data)
    return sorted(found)


def line(below: Callable[[int], int], files: list[str]) -> list[str]:
    """A command, its arguments, and up to eight of its options; `below(n)` chooses a number from 0 to n - 1."""
    name = COMMANDS[below(len(COMMANDS))]
    parameters = cli.commands[name].params
    options = [p for p in parameters if isinstance(p, click.Option) and p.opts[0] != "--help"]

    def value() -> str:
        if below(3) == 0:
            return files[below(len(files))]
        return VALUES[below(len(VALUES))]

    words = [name, *(value() for p in parameters if isinstance(p, click.Argument))]
    for _ in range(below(9)):
        option = options[below(len(options))]
        words.append(option.opts[0])
        if not option.is_flag:
            words.append(value())
    # The last one counts, so no line builds a simulator or draws more than it must.
    return [*words, *small(option.opts[0] for option in options)]


def small(options: Iterable[str]) -> list[str]:
    """The model, on little work."""
    given = {"--backend": "model", "--config": "tiny", "--frames": "2", "--queries": "2", "--tokens": "8"}
    return [word for option in options if option in given for word in (option, given[option])]


def shown(words: list[str]) -> str:
    """The line as a shell takes it."""
    return shlex.join(["tessera", *words])
