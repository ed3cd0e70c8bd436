"""Yosys in a process of its own: its automatic names start afresh, so results are reproducible."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

_DRIVER = """
import sys
from pyosys import libyosys
design = libyosys.Design()
for command in sys.stdin.read().splitlines():
    libyosys.run_pass(command, design)
"""


class YosysError(RuntimeError):
    """A Yosys command failed; the message ends with its last output lines."""


def run_yosys(commands: Sequence[str]) -> str:
    """Runs the commands in one empty design and returns what Yosys printed.

    Raises:
        YosysError: a command failed.
    """
    done = subprocess.run(
        [sys.executable, "-c", _DRIVER], input="\n".join(commands), capture_output=True, text=True, check=False
    )
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-5:])
        raise YosysError(f"yosys failed:\n{tail}")
    return done.stdout
