"""The fuzzer begins with good files and lines that commands take; else it would test only the first refusal."""

from __future__ import annotations

import random
from pathlib import Path

import click
import pytest

from sim.cli import cli
from tests.fuzz.files import KINDS
from tests.fuzz.lines import COMMANDS, fixtures, line, small


@pytest.mark.parametrize("name", KINDS)
def test_seeds_are_good_files(tmp_path: Path, name: str) -> None:
    kind = KINDS[name]
    assert kind.seeds
    for seed in kind.seeds:
        for file, data in kind.pack(seed).items():
            (tmp_path / file).write_bytes(data)
        kind.read(tmp_path / kind.name)


def test_lines_are_of_every_command_and_end_with_little_work(tmp_path: Path) -> None:
    files = fixtures(tmp_path)
    lines = [line(random.Random(seed).randrange, files) for seed in range(200)]
    assert {words[0] for words in lines} == set(COMMANDS)
    for words in lines:
        options = [p.opts[0] for p in cli.commands[words[0]].params if isinstance(p, click.Option)]
        limits = small(options)
        assert "--backend" in limits
        assert words[-len(limits) :] == limits
