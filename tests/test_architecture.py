from __future__ import annotations

import ast
import os
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from hw.generate import ROOT
from sim.engines import ENGINES

#: What each floor may import of ours; the tests may import everything.
FLOORS = {"golden": {"golden"}, "hw": {"golden", "hw"}, "sim": {"golden", "hw", "sim"}}
OURS = {*FLOORS, "fpga", "tests"}
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for floor in FLOORS
    for path in sorted((ROOT / floor).rglob("*.py"))
}
SHARED = ("golden", "hw", "sim.benches", "sim.memory")  # no engine's own, unless named after one
SPEC_LIKE = {"spec", "memory_map"}  # of a golden engine: what hw may import of it

IMPORT_WITHOUT_TORCH = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] == 'torch':
            raise ImportError('torch is blocked')
sys.meta_path.insert(0, Block())
from importlib import import_module
for name in sys.argv[1:]:
    import_module(name)
assert 'torch' not in sys.modules
"""


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, at any depth of its code."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative import"
            assert node.module
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def without_torch(modules: list[str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", IMPORT_WITHOUT_TORCH, *modules]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_the_rtl_and_the_benches_never_import_torch() -> None:
    """Every module of hw, and all that runs inside the simulator's process, is imported where torch is blocked."""
    names = [module.name for module in pkgutil.walk_packages([str(ROOT / "hw")], "hw.")]
    names += [f"sim.benches.{module.name}" for module in pkgutil.iter_modules([str(ROOT / "sim" / "benches")])]
    names += ["sim.cli"]  # `tessera --help` is not to wait for torch either
    assert len(names) > 50
    done = without_torch(names)
    assert done.returncode == 0, done.stderr
    assert "torch is blocked" in without_torch(["golden.splat.model"]).stderr


def test_arrows_run_one_way() -> None:
    """golden ← hw ← sim ← tests: no file imports from a floor above its own."""
    for name, path in MODULES.items():
        upward = {i for i in imports(path) if i.split(".")[0] in OURS - FLOORS[name.split(".")[0]]}
        assert not upward, name


def engine_of(module: str) -> str | None:
    """The engine that a module belongs to, by a part of its name."""
    return next((part for part in module.split(".") if part in ENGINES), None)


def test_no_engine_imports_another() -> None:
    """An engine's files know their own engine; what all engines share knows none."""
    for name, path in MODULES.items():
        known = {engine_of(i) for i in imports(path) if i.split(".")[0] in OURS} - {None}
        if engine_of(name):
            assert known <= {engine_of(name)}, name
        elif name.startswith(SHARED):
            assert not known, name


def test_the_rtl_knows_the_specification_alone() -> None:
    """Of an engine's golden part, hw imports what holds no torch: specification and memory map."""
    for name, path in MODULES.items():
        for parts in (i.split(".") for i in imports(path) if name.startswith("hw.")):
            if parts[0] == "golden" and len(parts) > 2 and parts[1] in ENGINES:
                assert parts[2] in SPEC_LIKE, f"{name} imports {'.'.join(parts)}"


def test_what_is_public_is_documented() -> None:
    """Every module has a docstring, and so has every public class and function at its top level."""
    for name, path in MODULES.items():
        tree = ast.parse(path.read_text())
        assert ast.get_docstring(tree), name
        for node in tree.body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
                assert ast.get_docstring(node), f"{name}.{node.name}"


def test_every_dependency_says_why() -> None:
    """In pyproject.toml a comment stands above each dependency or the group it belongs to, and versions are exact."""
    lines = (ROOT / "pyproject.toml").read_text().splitlines()
    pinned = [k for k, line in enumerate(lines) if line.strip().startswith('"') and "==" in line]
    assert len(pinned) >= 20
    for k in pinned:
        above = k - 1
        while above in pinned:
            above -= 1
        assert lines[above].strip().startswith("#"), lines[k]
    tables = [k for k, line in enumerate(lines) if line.startswith(("dependencies", "dev"))]
    for start in tables:
        end = lines.index("]", start)
        assert all(k in pinned or not lines[k].strip().startswith('"') for k in range(start, end))
