"""What the RTL and the simulator's process need of golden is imported where there is no torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import golden

TOP_FLOOR = ("errors", "formats", "rows", "tables", "float_format", "float_tables", "scenes")


def test_what_is_imported_without_torch() -> None:
    """The modules that golden's docstring names, and each engine's specification and memory map."""
    assert golden.__file__
    folder = Path(golden.__file__).parent
    engines = [spec.parent.name for spec in folder.glob("*/spec.py")]
    modules = [*TOP_FLOOR, *(f"{engine}.{name}" for engine in engines for name in ("spec", "memory_map"))]
    assert all(f"`{name}`" in (golden.__doc__ or "") for name in (*TOP_FLOOR, "spec", "memory_map"))
    imports = "; ".join(f"import golden.{module}" for module in modules)
    command = [sys.executable, "-c", f"import sys; sys.modules['torch'] = None; {imports}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder.parent)
    assert done.returncode == 0, done.stderr
