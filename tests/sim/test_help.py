from __future__ import annotations

import subprocess
import sys

import pytest

from hw.generate import ROOT
from sim.cli import cli
from sim.engines import ENGINES
from tests.sim.conftest import Tessera


@pytest.mark.parametrize("command", sorted(cli.commands))
def test_every_command_explains_itself(tessera: Tessera, command: str) -> None:
    """--help and -h print the usage, a sentence and every option with its own, on stdout, and succeed."""
    outcome = tessera(command, "--help")
    assert outcome.status == 0
    assert outcome.err == ""
    assert f"Usage: tessera {command}" in outcome.out
    assert tessera(command, "-h") == outcome
    assert cli.commands[command].help
    for option in cli.commands[command].params:
        assert option.param_type_name == "argument" or getattr(option, "help", None), option.name


def test_the_program_lists_its_commands(tessera: Tessera) -> None:
    """`tessera --help` names every command; without a command the same text comes, with a status that says so."""
    outcome = tessera("--help")
    assert outcome.status == 0
    assert all(f"\n  {name} " in outcome.out for name in cli.commands)
    bare = tessera()
    assert bare.status == 2
    assert bare.err.split() == outcome.out.split()


def test_the_engines_are_listed_one_a_line(tessera: Tessera) -> None:
    """Scripts read `tessera engines`: names and nothing else."""
    assert tessera("engines").out.split("\n") == [*ENGINES, ""]


def test_the_installed_program_is_this_one() -> None:
    """The entry point of the package runs from anywhere and returns the status of an error."""
    program = [sys.executable, "-c", "from importlib.metadata import entry_points as e; "
               "(p,) = e(group='console_scripts', name='tessera'); p.load()()"]  # fmt: skip
    done = subprocess.run([*program, "generate", "nothing"], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 2
    assert done.stderr == f"tessera: error: engine must be one of {', '.join(ENGINES)}, it is 'nothing'\n"
