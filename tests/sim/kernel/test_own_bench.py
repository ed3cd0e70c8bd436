from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from hw.generate import ROOT


def test_the_bench_of_the_documentation_runs(tmp_path: Path) -> None:
    """Both files of docs/adding_an_engine.md as they stand, in a folder outside the checkout, where no shell has
    activated the virtual environment and the machine may have no `python`."""
    text = (ROOT / "docs" / "adding_an_engine.md").read_text()
    files = re.findall(r"```python\n# (\w+\.py)\n(.*?)```", text, re.DOTALL)
    assert [name for name, _ in files] == ["own_bench.py", "run_own.py"]
    for name, code in files:
        (tmp_path / name).write_text(code.replace("FOLDER_OF_OWN_BENCH", str(tmp_path)).replace("CHECKOUT", str(ROOT)))
    command = [sys.executable, "run_own.py"]
    done = subprocess.run(
        command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    log = Path(done.stdout.splitlines()[-1])
    assert "payloads_come_out_in_order" in log.read_text()
