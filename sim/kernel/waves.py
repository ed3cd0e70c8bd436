"""Waves of a run: which signals, which cycles, into which file. SAIF has sums alone: how often each bit changed."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from golden.errors import InputError
from hw.generate import Generated
from sim.kernel.console import warn
from sim.kernel.files import whole_file
from sim.kernel.progress import watching

Format = Literal["fst", "vcd", "saif"]
FORMATS: tuple[Format, ...] = get_args(Format)
BEFORE, AFTER = 200, 20  # cycles around one where something went wrong
LARGE = 1 << 30  # bytes of a file of waves after which a warning comes
PICOSECONDS = 1000  # of a cycle: every bench's clock has a period of 1 ns


@dataclass(frozen=True, kw_only=True)
class Waves:
    """What is recorded: cycles `first` to `last` (None: to the end) of the signals below `scope` (None: of all).

    Cycles count from the simulation's start; cycle n is at n ns in the file. The suffix of `path` says which format.
    """

    path: Path
    first: int = 0
    last: int | None = None
    scope: str | None = None

    def __post_init__(self) -> None:
        if self.path.suffix[1:] not in FORMATS:
            raise InputError(f"{self.path}: waves are written as .fst, .vcd or .saif, the name ends in none of them")
        if self.first < 0:
            raise InputError(f"the first cycle of waves must be at least 0, it is {self.first}")
        if self.last is not None and self.last < self.first:
            raise InputError(f"the last cycle of waves must be at least the first, {self.first}, it is {self.last}")

    @property
    def format(self) -> Format:
        """By the file's name."""
        return next(form for form in FORMATS if self.path.suffix == f".{form}")

    @property
    def whole(self) -> bool:
        """Every signal in every cycle, which grows without bound."""
        return self.last is None and self.scope is None

    def window(self, design: Generated) -> str:
        """The variable TESSERA_WAVES of waves_main.cpp.

        Raises:
            InputError: the design has no such scope.
        """
        last = 2**64 - 1 if self.last is None else (self.last + 1) * PICOSECONDS - 1
        return " ".join([str(self.first * PICOSECONDS), str(last), *find_scopes(design, self.scope)])


@contextmanager
def waves_file(path: Path) -> Iterator[Path]:
    """A name for the simulator to write to, beside `path`; renamed to it, also where the run fails: then it is needed
    most. An interrupted run leaves nothing."""
    failure: Exception | None = None
    with whole_file(path) as temporary:
        try:
            with watching(_Scale(temporary, path).look):
                yield temporary
            _rename_root(temporary)
        except Exception as error:
            failure = error
            if not temporary.stat().st_size:
                raise
    if failure:
        raise failure


def _rename_root(path: Path) -> None:
    """Verilator opens a VCD with the empty scope `$rootio`, at whose name several readers stop."""
    with path.open("r+b") as file:
        head = file.read(4096)
        place = head.find(b"$scope module $rootio ")
        if place >= 0:
            file.seek(place)
            file.write(b"$scope module _rootio ")


class _Scale:
    """Says once that a file has become large."""

    def __init__(self, file: Path, name: Path) -> None:
        self.file, self.name, self.said = file, name, False

    def look(self) -> None:
        if not self.said and self.file.stat().st_size > LARGE:
            self.said = True
            warn(f"{self.name} has passed {LARGE / 1e9:.1f} GB; --waves-from, --waves-to and --waves-scope record less")


def around(cycle: int) -> tuple[int, int]:
    """The first and the last cycle that are worth a look where something went wrong in `cycle`."""
    return max(0, cycle - BEFORE), cycle + AFTER


def waves_hint(cycle: int) -> str:
    """The options that show what happens around a cycle."""
    first, last = around(cycle)
    return f"to see it add --waves waves.vcd --waves-from {first} --waves-to {last}"


def find_scopes(design: Generated, wanted: str | None) -> list[str]:
    """Paths of the instances whose name, path's end or module is `wanted`; the top's own path for None.

    Raises:
        InputError: there is none; the message names similar ones.
    """
    if wanted is None:
        return [design.name]
    modules = dict(_instances(design))
    found = [path for path, module in modules.items() if module == wanted or f".{path}".endswith(f".{wanted}")]
    if not found:
        names = {path.rpartition(".")[2] for path in modules} | set(design.modules)
        near = get_close_matches(wanted, sorted(names), n=5, cutoff=0.4) or sorted(names)[:12]
        raise InputError(f"no module '{wanted}' in {design.name}; there are for example {', '.join(near)}")
    return found


_MODULE = re.compile(r"^module \\?(\S+?) ?\(", re.M)
_INSTANCE = re.compile(r"^ +\\?([\w.$\[\]]+) +(?:#\([^;]*?\) )?\\?([\w.$\[\]]+) +\($", re.M)


def _instances(design: Generated) -> Iterator[tuple[str, str]]:
    """Path and module of every instance, by the text of the Verilog as Yosys writes it."""
    _, *parts = _MODULE.split(design.verilog)
    below = {name: _INSTANCE.findall(text) for name, text in zip(parts[::2], parts[1::2], strict=True)}

    def walk(path: str, module: str) -> Iterator[tuple[str, str]]:
        yield path, module
        for kind, name in below.get(module, []):
            yield from walk(f"{path}.{name}", kind)

    return walk(design.name, design.name)


@cache
def fst_possible() -> bool:
    """Whether the headers and libraries that Verilator's FST writer needs are there."""
    compiler = shutil.which("g++")
    if compiler is None:
        return False
    program = "#include <lz4.h>\n#include <zlib.h>\nint main() { return LZ4_versionNumber() < 0; }\n"
    with tempfile.TemporaryDirectory() as folder:
        command = [compiler, "-x", "c++", "-", "-o", f"{folder}/program", "-llz4", "-lz"]
        return subprocess.run(command, input=program, text=True, capture_output=True, check=False).returncode == 0
