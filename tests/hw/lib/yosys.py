"""Yosys in a process of its own: an error inside the library ends its process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

SCRIPT = """
import sys
from pyosys import libyosys
design = libyosys.Design()
for command in sys.argv[1:]:
    libyosys.run_pass(command, design)
"""


def run_yosys(*commands: str) -> str:
    """Runs Yosys commands in order and returns what they print.

    Raises:
        AssertionError: one of them fails.
    """
    done = subprocess.run([sys.executable, "-c", SCRIPT, *commands], capture_output=True, text=True, check=False)
    assert done.returncode == 0, "\n".join([*commands, *(done.stdout + done.stderr).splitlines()[-15:]])
    return done.stdout


def reading(folder: Path, modules: Mapping[str, str]) -> list[str]:
    """Writes RTLIL texts by name to `folder`; the commands that read them all."""
    commands: list[str] = []
    for name, text in modules.items():
        path = folder / f"{name}.il"
        path.write_text(text)
        commands.append(f"read_rtlil {path}")
    return commands
