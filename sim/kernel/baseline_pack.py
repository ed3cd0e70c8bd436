"""Baselines as one file for a machine with torch alone, and the records that come back from it."""

from __future__ import annotations

import ast
import io
import json
import sys
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from golden.errors import InputError
from hw.generate import ROOT
from sim.kernel.baseline import Measured
from sim.kernel.files import whole_file
from sim.kernel.packed import ABOUT, PROBLEMS, SCHEMA
from sim.kernel.problem import Problem
from sim.kernel.report import commit

OURS = ("golden", "hw", "sim")
THERE = {"torch", "numpy", "gsplat", "pynvml", "triton"}  # what a packed module may import beside the standard library
MAIN = "import sys\nfrom pathlib import Path\nfrom sim.kernel.packed import main\nsys.exit(main(Path(sys.argv[0])))\n"
NEEDED = (
    "workload",
    "method",
    "median_ms",
    "runs_ms",
    "energy_mj",
    "energy_method",
    "energy_missing",
    "torch",
    "commit",
)


def write_pack(path: Path, problems: Iterable[Problem]) -> int:
    """Writes problems, kernels and protocol as one file that Python runs; how many problems there are."""
    import torch

    known = list(problems)
    tensors = io.BytesIO()
    torch.save([vars(problem) for problem in known], tensors)
    modules = closure(["sim.kernel.packed", *sorted({f"sim.{problem.engine}.kernels" for problem in known})])
    packages = {parent for name in modules for parent in _parents(name)}
    with whole_file(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("__main__.py", MAIN)
        packed.writestr(ABOUT, json.dumps({"schema": SCHEMA, "commit": commit()}))
        packed.writestr(PROBLEMS, tensors.getvalue())
        for package in sorted(packages):
            packed.writestr(f"{package.replace('.', '/')}/__init__.py", "")
        for name in sorted(modules):
            packed.writestr(f"{name.replace('.', '/')}.py", _file(name).read_text())
    return len(known)


def closure(names: Iterable[str]) -> set[str]:
    """The modules and all of ours that they import, at whatever depth.

    Raises:
        ValueError: one imports what torch alone does not bring, or a name out of a package's own file, which a pack
            leaves empty.
    """
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        for imported in _imports(_file(name)):
            top = imported.partition(".")[0]
            if top in OURS:
                if not _file(imported).exists():
                    raise ValueError(f"{name} imports from the package {imported}: a pack has modules alone")
                waiting.append(imported)
            elif top not in THERE and top not in sys.stdlib_module_names:
                raise ValueError(f"{name} imports {imported}: a pack has torch alone")
    return found


def _imports(path: Path) -> Iterator[str]:
    """Every module that a file names in an import; of `from package import module` the module."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            modules = [name for name in inner if name.partition(".")[0] in OURS and _file(name).exists()]
            yield from modules or [node.module]


def _file(module: str) -> Path:
    return ROOT / f"{module.replace('.', '/')}.py"


def _parents(module: str) -> Iterator[str]:
    parts = module.split(".")[:-1]
    yield from (".".join(parts[: k + 1]) for k in range(len(parts)))


def read_records(path: Path, engines: Iterable[str]) -> list[tuple[str, Measured]]:
    """Engine, device and entries of every record in a file that a pack has written.

    Raises:
        InputError: the file is something else, or an entry lacks what makes it a measurement.
    """
    try:
        whole = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: records cannot be read: {error}") from error
    if not isinstance(whole, dict) or whole.get("schema") != SCHEMA or not isinstance(whole.get("records"), list):
        raise InputError(f"{path}: records of a packed baseline have schema {SCHEMA} and a list `records`")
    known = list(engines)
    return [_record(path, number, record, known) for number, record in enumerate(whole["records"], 1)]


def _record(path: Path, number: int, record: Any, engines: list[str]) -> tuple[str, Measured]:
    place = f"{path}, record {number}"
    if not isinstance(record, dict) or record.get("engine") not in engines:
        raise InputError(f"{place}: engine must be one of {', '.join(engines)}")
    device, entries = record.get("device"), record.get("entries")
    if not isinstance(device, dict) or not {"kind", "name"} <= device.keys() or device["kind"] not in ("cpu", "cuda"):
        raise InputError(f"{place}: device must have a name and the kind cpu or cuda")
    if not isinstance(entries, list) or not entries:
        raise InputError(f"{place}: entries must be a list, and not an empty one")
    for entry in entries:
        _check_entry(place, entry)
    return record["engine"], (device, entries)


def _check_entry(place: str, entry: Any) -> None:
    lacking = [name for name in NEEDED if not isinstance(entry, Mapping) or name not in entry]
    if lacking:
        raise InputError(f"{place}: an entry lacks {', '.join(lacking)}")
    for name in ("median_ms", "energy_mj"):
        value = entry[name]
        number = isinstance(value, int | float) and not isinstance(value, bool) and value > 0
        if not number and not (name == "energy_mj" and value is None):
            raise InputError(f"{place}: {name} must be above 0, it is {value!r}")
