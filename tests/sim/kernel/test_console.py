from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys

import pytest

from hw.generate import ROOT
from sim.kernel import console
from tests.sim.conftest import Tessera

MODEL = ("lod", "embedded", "--tau", 30, "--config", "tiny", "--backend", "model", "--size", "16x16")
TABLE = "from sim.kernel.console import *; start(); show_table('3 × 4', ('a',), [('→',)])"


def on_terminal(**environment: str) -> str:
    """What `TABLE` writes to a terminal."""
    ours, theirs = pty.openpty()
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", **environment}
    subprocess.run([sys.executable, "-c", TABLE], stdout=theirs, stderr=theirs, env=variables, check=True)
    os.close(theirs)
    text = b""
    try:
        while part := os.read(ours, 65536):
            text += part
    except OSError:  # Linux says so when the last writer has closed it
        pass
    os.close(ours)
    return text.decode()


def test_characters_that_an_encoding_lacks_become_near_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """No traceback after the work: one character for one, so that tables stay aligned; the unknown is a `?`."""
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    console.start()
    console.show_table("256×256", ("σ → x", "–"), [("é", 1)])
    sys.stdout.flush()
    text = raw.getvalue().decode("ascii")
    assert text.split() == ["256x256", "?", ">", "x", "-", "?", "1"]


def test_a_pipe_gets_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """Words and spaces alone, and no column wider than it must be."""
    console.start()
    console.show_table("t", ("name", "ms"), [("a", 10.5), ("bcd", 2)])
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["t"],
        ["name", "ms"],
        ["a", "10.5"],
        ["bcd", "2"],
    ]


def test_a_terminal_gets_lines_and_bold_but_not_where_it_asks_for_none() -> None:
    """NO_COLOR takes bold away too; an ASCII terminal gets ASCII lines."""
    assert "\x1b[1m" in on_terminal()
    assert "━" in on_terminal()
    plain = on_terminal(NO_COLOR="1")
    assert "\x1b" not in plain
    assert "3 × 4" in plain
    assert on_terminal(PYTHONIOENCODING="ascii").isascii()


def test_quiet_and_json_and_verbose(tessera: Tessera) -> None:
    """-q leaves nothing; --json leaves the report alone on stdout; -v says more, on stderr; each for one call only."""
    assert tessera(*MODEL, "-q") == tessera("-q", *MODEL)
    assert tessera(*MODEL, "-q").out == tessera(*MODEL, "-q").err == ""
    assert json.loads(tessera(*MODEL, "--json").out)["engine"] == "lod"
    loud = tessera(*MODEL, "-v")
    assert "config tiny, hash " in loud.err
    assert "nodes are on the cut" in loud.out
    assert tessera(*MODEL).err == ""
    assert tessera("lod", "missing.ply", "--tau", 3, "-q").err.startswith("tessera: error: ")
