from __future__ import annotations

import ast
import os
import pkgutil
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from hw.generate import ROOT
from sim.engines import ENGINES

#: What each floor may import of ours; the tests may import everything.
FLOORS = {
    "golden": {"golden"},
    "hw": {"golden", "hw"},
    "sim": {"golden", "hw", "sim"},
    "fpga": {"golden", "hw", "sim", "fpga"},
}
OURS = {*FLOORS, "tests"}
#: The floors that have a folder for every engine; boards, tops and the link of `fpga` know none by name.
GRID = ("golden", "hw", "sim")
#: The command line calls everything, the boards too.
FACE = ("sim.cli", "sim.commands")
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for floor in FLOORS
    for path in sorted((ROOT / floor).rglob("*.py"))
}
#: Of a floor, what may know several engines: compositions of them, the face that calls them, and their table.
JOINTS = ("golden.chips", "hw.chips", "sim.chips", *FACE, "sim.engines")
SPEC_LIKE = {"spec", "memory_map"}  # of a golden engine: what hw may import of it
#: The cells of the grid: files that every engine has.
CELLS = {
    "golden": ("spec", "reference", "model", "memory_map", "memory_image", "result_region"),
    "hw": ("config", "top", "catalogue"),
    "sim": ("workload", "run", "check", "suite", "baseline", "compared", "self_test"),
}
NOT_BLOCKS = {"config", "top", "catalogue", "layouts", "counters", "events"}

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


@cache
def imports(path: Path) -> tuple[str, ...]:
    """Every module that a file imports, at any depth of its code."""
    found: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative import"
            assert node.module
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return tuple(found)


def without_torch(modules: list[str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", IMPORT_WITHOUT_TORCH, *modules]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_the_rtl_and_the_benches_never_import_torch() -> None:
    """Every module of hw, and all that runs inside the simulator's process, is imported where torch is blocked."""
    names = [module.name for module in pkgutil.walk_packages([str(ROOT / "hw")], "hw.")]
    names += [name for name in MODULES if name.startswith("sim.kernel.") and name.endswith("_bench")]
    names += ["sim.cli"]  # `tessera --help` is not to wait for torch either
    assert len(names) > 50
    done = without_torch(names)
    assert done.returncode == 0, done.stderr
    assert "torch is blocked" in without_torch(["golden.splat.model"]).stderr


def test_arrows_run_one_way() -> None:
    """golden ← hw ← sim ← fpga ← tests: no file imports from a floor above its own."""
    for name, path in MODULES.items():
        known = FLOORS[name.split(".")[0]] | ({"fpga"} if name.startswith(FACE) else set())
        upward = {i for i in imports(path) if i.split(".")[0] in OURS - known}
        assert not upward, name


def engine_of(module: str) -> str | None:
    """The engine that a module belongs to: the folder under its floor."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[0] in FLOORS and parts[1] in ENGINES else None


def joint(module: str) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in JOINTS)


def test_no_engine_imports_another() -> None:
    """An engine's files know their own engine; what all engines share knows none."""
    for name, path in MODULES.items():
        known = {engine_of(i) for i in imports(path)} - {None}
        if not joint(name):
            assert known <= {engine_of(name)}, f"{name} imports {known}"


def test_an_engine_is_one_folder_on_every_floor() -> None:
    """Every cell of the grid is filled, and no file elsewhere carries an engine's name, commands aside."""
    for engine in ENGINES:
        for floor, names in CELLS.items():
            missing = [name for name in names if f"{floor}.{engine}.{name}" not in MODULES]
            assert not missing, f"{floor}/{engine} lacks {missing}"
        for floor in GRID:
            assert list((ROOT / "tests" / floor / engine).glob("test_*.py")), f"tests/{floor}/{engine}"
    for floor in GRID:
        for path in sorted((ROOT / floor).rglob("*")):
            place = path.relative_to(ROOT)
            # A scene file's format may be called as an engine is; a command is called as its user calls it.
            if path.is_file() and not {"__pycache__", "commands", "scenes"} & set(place.parts):
                words = set(re.split(r"[_\W]", place.name)) & set(ENGINES)
                assert words <= {place.parts[1]}, f"{place} belongs into an engine's folder"


def test_sim_is_flat() -> None:
    """No folder under sim holds another."""
    for path in (ROOT / "sim").rglob("*"):
        assert len(path.relative_to(ROOT).parts) <= 3 or "__pycache__" in path.parts, path


def test_every_block_has_a_unit_test() -> None:
    """Each hardware block of an engine and of the library is imported by a test of its own folder."""
    untested: list[str] = []
    for name, path in MODULES.items():
        floor, _, rest = name.partition(".")
        folder, _, block = rest.partition(".")
        if floor != "hw" or block in NOT_BLOCKS or not components(path):
            continue
        known = {i for test in (ROOT / "tests" / "hw" / folder).glob("test_*.py") for i in imports(test)}
        if name not in known:
            untested.append(name)
    assert not untested, f"no unit test beside them: {untested}"


def components(path: Path) -> list[ast.ClassDef]:
    """The components and signatures that a file declares."""
    bases = ("Component", "Signature")
    return [
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
        and any(isinstance(base, ast.Attribute) and base.attr in bases for base in node.bases)
    ]


def port_lines(path: Path) -> Iterator[tuple[int, int]]:
    """First and last line of every port that a file declares, in whatever dict it does so."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Dict):
            continue
        for key, value in zip(node.keys, node.values, strict=True):
            calls = {c.func.id for c in ast.walk(value) if isinstance(c, ast.Call) and isinstance(c.func, ast.Name)}
            if key is not None and calls & {"In", "Out"}:
                yield key.lineno, value.end_lineno or key.lineno


def undocumented_ports(path: Path) -> list[str]:
    """Ports without a `#:` behind or directly above them, or with another port on their line."""
    lines = path.read_text().splitlines()
    ports = list(port_lines(path))
    alone = Counter(first for first, _ in ports)
    return [
        f"{path.relative_to(ROOT)}:{first}: {lines[first - 1].strip()}"
        for first, last in ports
        if alone[first] > 1
        or ("#: " not in lines[first - 1] + lines[last - 1] and not lines[first - 2].strip().startswith("#: "))
    ]


def test_every_port_is_described_where_it_is_declared() -> None:
    """A reader of a component finds a line for each of its ports beside it."""
    missing = [port for name, path in MODULES.items() if name.startswith("hw.") for port in undocumented_ports(path)]
    assert not missing, "\n".join(missing)


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
    tables = [k for k, line in enumerate(lines) if line.startswith(("dependencies", "gpu", "video", "dev"))]
    for start in tables:
        end = lines.index("]", start)
        assert all(k in pinned or not lines[k].strip().startswith('"') for k in range(start, end))
