"""Liberty files, which describe the cells of a technology, as a tree of groups and as cells with units taken out.

The format is Synopsys' Liberty (.lib): nested groups `name (arguments) { … }`, attributes `name : value ;` and
`name (arguments) ;`. Nothing of a cell is thrown away: its functions and power tables are read from `Cell.group`.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from golden.errors import InputError

_COMMENT = re.compile(r"/\*.*?\*/", re.S)
#: A statement: an attribute with a value, a group's head, an attribute with arguments, or the end of a group.
_STATEMENT = re.compile(
    r"""[\s;\\]*(?:
        (?P<end>\})
      | (?P<name>[\w.]+)\s*
        (?: :\s*(?P<value>"[^"]*"(?:[\s\\,]*"[^"]*")*|[^;}\n]*)
          | \((?P<arguments>(?:"[^"]*"|[^()"])*)\)\s*(?P<begin>\{)?
        )
    )""",
    re.X,
)
_QUANTITY = re.compile(r"([0-9.eE+-]*)[\s,]*([a-zA-Z]+)$")
_PREFIXES = {"": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15, "a": 1e-18}
_EXAMPLES = {"s": "1ns", "f": "1,ff", "w": "1nW"}
_STATES = ("ff", "ff_bank", "latch", "latch_bank")


@dataclass
class Group:
    """A group of a liberty file."""

    name: str  #: what it is: library, cell, pin, timing, …
    arguments: tuple[str, ...]
    #: By name: a value without its quotes, or arguments as they stand; of a repeated one the last.
    attributes: dict[str, str] = field(default_factory=dict)
    groups: list[Group] = field(default_factory=list)

    def all(self, *names: str) -> Iterator[Group]:
        """The groups right inside this one that have one of the names."""
        return (group for group in self.groups if group.name in names)


@dataclass(frozen=True)
class Pin:
    """A pin of a cell, or a bus of a memory."""

    name: str
    direction: str  #: input, output, inout or internal
    function: str  #: of an output, in the cell's input pins or its `ff` states; empty without one
    capacitance_f: float  #: of an input, in farads
    group: Group


@dataclass(frozen=True)
class Cell:
    """A cell of a library. Equal cells of two files are one cell: names are unique in a `Library`."""

    name: str
    area_um2: float
    leakage_w: float  #: `cell_leakage_power`, or the mean of the states' leakages where only those are given
    pins: dict[str, Pin]
    state: str  #: ff, ff_bank, latch or latch_bank; empty for a cell without memory
    group: Group

    @property
    def is_flip_flop(self) -> bool:
        """Whether it stores at a clock's edge."""
        return self.state.startswith("ff")

    @property
    def is_latch(self) -> bool:
        """Whether it stores at a clock's level."""
        return self.state.startswith("latch")

    @property
    def outputs(self) -> list[Pin]:
        """Its output pins."""
        return [pin for pin in self.pins.values() if pin.direction == "output"]


@dataclass(frozen=True)
class Library:
    """Cells of one or several liberty files that share their units."""

    paths: tuple[Path, ...]
    trees: tuple[Group, ...]  #: of each file, its group `library`
    cells: dict[str, Cell]
    time_s: float  #: seconds in a unit of time
    capacitance_f: float  #: farads in a unit of capacitance
    voltage: float  #: nominal, in volts
    temperature: float  #: nominal, in degrees Celsius

    @property
    def energy_j(self) -> float:
        """Joules in a unit of the tables `internal_power`: one of capacitance, at a volt squared."""
        return self.capacitance_f

    @cached_property
    def name(self) -> str:
        """Of its first file's library."""
        return self.trees[0].arguments[0]


def numbers(text: str) -> list[float]:
    """The numbers of an attribute like `values` or `index_1`, row after row."""
    return [float(word) for word in re.split(r'[\s,"\\]+', text) if word]


def read_library(paths: Sequence[Path]) -> Library:
    """Reads liberty files, plain or .gz, as one library.

    Raises:
        InputError: a file is missing, is truncated or no liberty, has unknown units or other units than the first, or a
            cell of it has no area.
    """
    trees = [read_group(path) for path in paths]
    units = [_units(tree, path) for tree, path in zip(trees, paths, strict=True)]
    for unit, path in zip(units, paths, strict=True):
        if unit[:2] != units[0][:2]:
            raise InputError(f"{path}: files of one library share their units, {paths[0]} has others")
    cells = {
        group.arguments[0]: _cell(group, unit[1], unit[2], path)
        for tree, unit, path in zip(trees, units, paths, strict=True)
        for group in tree.all("cell")
    }
    if not cells:
        raise InputError(f"{paths[0]}: a library has cells, this one has none")
    return Library(
        paths=tuple(paths),
        trees=tuple(trees),
        cells=cells,
        time_s=units[0][0],
        capacitance_f=units[0][1],
        voltage=float(trees[0].attributes.get("nom_voltage", "nan")),
        temperature=float(trees[0].attributes.get("nom_temperature", "nan")),
    )


def read_group(path: Path) -> Group:
    """The group `library` of a file.

    Raises:
        InputError: the file is missing, or it is no whole liberty file.
    """
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8", "replace")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or 'not a .gz file'}") from error
    except EOFError as error:
        raise InputError(f"{path}: the .gz file is truncated") from error
    return parse(text, str(path))


def parse(text: str, source: str) -> Group:
    """The group `library` of a liberty file's text.

    Raises:
        InputError: the text ends within a group, or has what is no statement, or not one library.
    """
    text = _COMMENT.sub("", text)
    root = Group("", ())
    inside = [root]  # the groups that are open, the innermost last
    position = 0
    while found := _STATEMENT.match(text, position):
        position = found.end()
        if found["end"]:
            inside.pop()
            if not inside:
                raise InputError(f"{source}: line {_line(text, position)}: a group ends that has not begun")
        elif found["begin"]:
            group = Group(found["name"], tuple(_words(found["arguments"])))
            inside[-1].groups.append(group)
            inside.append(group)
        else:
            value = found["value"].strip().strip('"') if found["arguments"] is None else found["arguments"].strip()
            inside[-1].attributes[found["name"]] = value
    position = len(text) - len(text[position:].lstrip(" \t\r\n;"))
    rest = text[position:]
    if rest or len(inside) > 1:
        where = "".join(f" in {group.name} ({', '.join(group.arguments)})" for group in inside[-1:0:-1])
        cut = len(inside) > 1 and not re.search(r"[;{}]", rest)
        what = "the file is truncated" if cut else "is no liberty statement"
        raise InputError(f"{source}: line {_line(text, position)}{where}: {what}")
    libraries = list(root.all("library"))
    if len(libraries) != 1:
        raise InputError(f"{source}: a liberty file holds one library, this one {len(libraries)}")
    return libraries[0]


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _words(arguments: str) -> Iterator[str]:
    words = (word.strip().strip('"').strip() for word in arguments.split(","))
    return (word for word in words if word)


def _units(tree: Group, path: Path) -> tuple[float, float, float]:
    """Seconds, farads and watts in the units of a file."""
    return (
        _unit(tree.attributes.get("time_unit", ""), "s", "time_unit", path),
        _unit(tree.attributes.get("capacitive_load_unit", ""), "f", "capacitive_load_unit", path),
        _unit(tree.attributes.get("leakage_power_unit", ""), "w", "leakage_power_unit", path),
    )


def _unit(text: str, base: str, name: str, path: Path) -> float:
    found = _QUANTITY.fullmatch(text.replace('"', "").strip())
    unit = found[2].lower() if found else ""
    if not found or unit[-1:] != base or unit[:-1] not in _PREFIXES:
        raise InputError(f"{path}: {name} must be a number with a unit like {_EXAMPLES[base]}, it is '{text}'")
    return float(found[1] or 1) * _PREFIXES[unit[:-1]]


def _cell(group: Group, capacitance_f: float, leakage_w: float, path: Path) -> Cell:
    name = group.arguments[0]
    if "area" not in group.attributes:
        raise InputError(f"{path}: every cell must have an area, {name} has none")
    pins = [_pin(pin, capacitance_f) for pin in group.all("pin", "bus", "bundle")]
    return Cell(
        name=name,
        area_um2=float(group.attributes["area"]),
        leakage_w=_leakage(group) * leakage_w,
        pins={pin.name: pin for pin in pins},
        state=next((inner.name for inner in group.all(*_STATES)), ""),
        group=group,
    )


def _pin(group: Group, capacitance_f: float) -> Pin:
    attributes = group.attributes
    return Pin(
        name=group.arguments[0],
        direction=attributes.get("direction", ""),
        function=attributes.get("function", ""),
        capacitance_f=float(attributes.get("capacitance", 0)) * capacitance_f,
        group=group,
    )


def _leakage(group: Group) -> float:
    grounds = {
        rail.arguments[0] for rail in group.all("pg_pin") if rail.attributes.get("pg_type") == "primary_ground"
    }  # fmt: skip
    states = [
        float(state.attributes["value"])
        for state in group.all("leakage_power")
        if "value" in state.attributes and state.attributes.get("related_pg_pin") not in grounds
    ]
    stated = group.attributes.get("cell_leakage_power")
    if stated is not None:
        return float(stated)
    return sum(states) / len(states) if states else 0.0
