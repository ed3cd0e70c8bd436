from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from golden.errors import InputError
from hw.generate import ROOT
from sim.kernel.runner import run_bench

PAGE = ROOT / "docs" / "own_test.md"


def test_the_page_runs_as_it_stands(tmp_path: Path) -> None:
    """Both files of docs/own_test.md in an empty folder, by a pytest that is told nothing, in a shell that has not
    activated the virtual environment; waves are there after it."""
    text = PAGE.read_text()
    names = re.findall(r"`(\w+\.py)`(?:, beside it)?:\n", text)
    blocks = re.findall(r"```python\n(.*?)```", text, re.S)
    assert names == ["queue_bench.py", "test_queue.py"]
    for name, block in zip(names, blocks, strict=True):
        (tmp_path / name).write_text(block)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--basetemp={tmp_path / 'base'}"]
    ran = subprocess.run(
        [*command, "test_queue.py"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    (waves,) = tmp_path.rglob("queue.vcd")
    times = [int(time) for time in re.findall(r"^#(\d+)$", waves.read_text(), re.M)]
    assert times[0] == 0
    assert 59_500 <= times[-1] < 61_000  # picoseconds: cycle 60 and no later


def test_a_design_without_its_description_is_refused(tmp_path: Path) -> None:
    """A .v alone, a .json that is something else, and no file at all."""
    path = tmp_path / "a.v"
    for content, message in ((None, "No such file"), ("[]", "not the description of a design"), ("{", "not the descr")):
        if content:
            path.with_suffix(".json").write_text(content)
            path.write_text("module a; endmodule\n")
        with pytest.raises(InputError, match=message):
            run_bench(path, "nothing", folder=tmp_path)
