"""RTLIL as Amaranth and Yosys write it, as objects: read, changed by other files here, and written again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple


class Slice(NamedTuple):
    """Bits `high` to `low` of a wire, or, without a name, the constant `bits`."""

    name: str
    high: int
    low: int
    bits: str = ""

    @property
    def width(self) -> int:
        return self.high - self.low + 1


#: Parts of a value, the highest first.
Sig = tuple[Slice, ...]
Rewrite = Callable[[Sig], Sig]


@dataclass
class Wire:
    """A wire, or a port of its module."""

    name: str
    width: int
    port: str = ""  #: "input 3", "output 4" or nothing
    signed: bool = False
    attributes: list[str] = field(default_factory=list)


@dataclass
class Cell:
    """An operator, a register, a port of a memory, or an instance of a module."""

    kind: str
    name: str
    attributes: list[str] = field(default_factory=list)
    parameters: dict[str, str] = field(default_factory=dict)
    ports: dict[str, Sig] = field(default_factory=dict)


@dataclass
class Statement:
    """A line of a process: `assign` of two values, `switch` of one, or `case`, `end` and attributes as text."""

    indent: str
    word: str
    sigs: list[Sig]
    text: str = ""


@dataclass
class Process:
    """A combinational block."""

    name: str
    body: list[Statement] = field(default_factory=list)


@dataclass
class Netlist:
    """A module."""

    name: str
    attributes: list[str] = field(default_factory=list)
    wires: dict[str, Wire] = field(default_factory=dict)
    memories: dict[str, list[str]] = field(default_factory=dict)  #: by name, its lines
    cells: list[Cell] = field(default_factory=list)
    processes: list[Process] = field(default_factory=list)
    connects: list[tuple[Sig, Sig]] = field(default_factory=list)  #: what is driven, and by what


def whole(wire: Wire) -> Sig:
    """All bits of a wire."""
    return (Slice(wire.name, wire.width - 1, 0),)


def constant(bits: str) -> Sig:
    """A constant of these bits, the highest first."""
    return (Slice("", len(bits) - 1, 0, bits),)


def width_of(sig: Sig) -> int:
    """How many bits a value has."""
    return sum(part.width for part in sig)


def lowest(sig: Sig, width: int) -> Sig:
    """The lowest `width` bits of a value."""
    kept: list[Slice] = []
    for part in reversed(sig):
        take = min(part.width, width)
        if take > 0:
            kept.append(part._replace(high=part.low + take - 1, bits=part.bits[-take:]))
        width -= take
    return tuple(reversed(kept))


def highest(sig: Sig, width: int) -> Sig:
    """The highest `width` bits of a value."""
    kept: list[Slice] = []
    for part in sig:
        take = min(part.width, width)
        if take > 0:
            low = part.high - take + 1 if part.name else 0
            kept.append(part._replace(high=low + take - 1, low=low, bits=part.bits[:take]))
        width -= take
    return tuple(kept)


def is_output(cell: Cell, port: str, modules: dict[str, Netlist]) -> bool:
    """Whether the cell drives what this port of it is connected to."""
    if cell.kind in modules:
        return modules[cell.kind].wires[port].port.startswith("output")
    return port in ("\\Y", "\\Q", "\\RD_DATA") or (port == "\\DATA" and cell.kind == "$memrd_v2")


def rewrite(module: Netlist, change: Rewrite, *, driven: Rewrite | None = None) -> None:
    """Replaces values that are read by `change` of them, and those that are assigned by `driven`."""
    assigned = driven or (lambda sig: sig)
    for process in module.processes:
        for line in process.body:
            if line.word == "assign":
                line.sigs = [assigned(line.sigs[0]), change(line.sigs[1])]
            else:
                line.sigs = [change(sig) for sig in line.sigs]
    module.connects = [(assigned(left), change(right)) for left, right in module.connects]


def rewrite_all(module: Netlist, change: Rewrite) -> None:
    """Replaces every value, read or driven."""
    rewrite(module, change, driven=change)
    for cell in module.cells:
        cell.ports = {port: change(sig) for port, sig in cell.ports.items()}


def parse(rtlil: str) -> dict[str, Netlist]:
    """The modules, by name and in their order."""
    modules: dict[str, Netlist] = {}
    lines = iter(rtlil.splitlines())
    attributes: list[str] = []
    for line in lines:
        words = line.split()
        if words[:1] == ["attribute"]:
            attributes.append(line)
        elif words[:1] == ["module"]:
            modules[words[1]] = _parse_module(Netlist(words[1], attributes), lines)
            attributes = []
    return modules


def _parse_module(module: Netlist, lines: Iterator[str]) -> Netlist:
    attributes: list[str] = []
    for line in lines:
        words = line.split()
        match words:
            case []:
                continue
            case ["attribute", *_]:
                attributes.append(line)
                continue
            case ["wire", *options, name]:
                module.wires[name] = _parse_wire(name, options, attributes)
            case ["memory", *_, name]:
                module.memories[name] = [*attributes, line]
            case ["cell", kind, name]:
                module.cells.append(_parse_cell(Cell(kind, name, attributes), lines, module.wires))
            case ["process", name]:
                module.processes.append(_parse_process(Process(name), lines, module.wires))
            case ["connect", *rest]:
                left, right = _parse_sigs(rest, module.wires)
                module.connects.append((left, right))
            case ["end"]:
                return module
            case _:
                raise ValueError(f"RTLIL has a line of an unknown kind: {line!r}")
        attributes = []
    raise ValueError(f"RTLIL ends within module {module.name}")


def _parse_wire(name: str, options: list[str], attributes: list[str]) -> Wire:
    width = int(options[options.index("width") + 1]) if "width" in options else 1
    wire = Wire(name, width, signed="signed" in options, attributes=attributes)
    for flow in {"input", "output"} & set(options):
        wire.port = f"{flow} {options[options.index(flow) + 1]}"
    return wire


def _parse_cell(cell: Cell, lines: Iterator[str], wires: dict[str, Wire]) -> Cell:
    for line in lines:
        words = line.split()
        if words == ["end"]:
            break
        if words[0] == "parameter":
            cell.parameters[words[1]] = line.split(None, 2)[2]
        else:
            (cell.ports[words[1]],) = _parse_sigs(words[2:], wires)
    return cell


def _parse_process(process: Process, lines: Iterator[str], wires: dict[str, Wire]) -> Process:
    depth = 1
    for line in lines:
        words = line.split()
        indent = line[: len(line) - len(line.lstrip())]
        if words[:1] == ["end"]:
            depth -= 1
        if not depth:
            break
        match words:
            case []:
                continue
            case ["assign" | "switch" as word, *rest]:
                depth += word == "switch"
                process.body.append(Statement(indent, word, _parse_sigs(rest, wires)))
            case [word, *rest]:
                process.body.append(Statement(indent, word, [], " ".join(rest)))
    return process


def _parse_sigs(words: list[str], wires: dict[str, Wire]) -> list[Sig]:
    found: list[Sig] = []
    group: list[Slice] | None = None
    for word in words:
        if word == "{":
            group = []
        elif word == "}":
            found.append(tuple(group or ()))
            group = None
        elif word[0] == "[":
            high, _, low = word[1:-1].partition(":")
            place = group if group is not None else list(found.pop())
            place[-1] = Slice(place[-1].name, int(high), int(low or high))
            if group is None:
                found.append(tuple(place))
        else:
            part = whole(wires[word])[0] if word[0] in "\\$" else constant(word.partition("'")[2])[0]
            if group is None:
                found.append((part,))
            else:
                group.append(part)
    return found


def write(modules: Iterable[Netlist]) -> str:
    """The modules as RTLIL."""
    return "\n".join(line for module in modules for line in _module_lines(module)) + "\n"


def _module_lines(module: Netlist) -> Iterator[str]:
    def text(sig: Sig) -> str:
        return _text(sig, module.wires)

    yield from module.attributes
    yield f"module {module.name}"
    for wire in module.wires.values():
        yield from wire.attributes
        yield f"  wire width {wire.width} {'signed ' * wire.signed}{wire.port} {wire.name}"
    for lines in module.memories.values():
        yield from lines
    for cell in module.cells:
        yield from cell.attributes
        yield f"  cell {cell.kind} {cell.name}"
        yield from (f"    parameter {name} {value}" for name, value in cell.parameters.items())
        yield from (f"    connect {port} {text(sig)}" for port, sig in cell.ports.items())
        yield "  end"
    for process in module.processes:
        yield f"  process {process.name}"
        for line in process.body:
            yield f"{line.indent}{line.word} {line.text}{' '.join(map(text, line.sigs))}"
        yield "  end"
    for left, right in module.connects:
        yield f"  connect {text(left)} {text(right)}"
    yield "end"


def _text(sig: Sig, wires: dict[str, Wire]) -> str:
    parts = [_part(part, wires) for part in sig]
    return parts[0] if len(parts) == 1 else f"{{ {' '.join(parts)} }}"


def _part(part: Slice, wires: dict[str, Wire]) -> str:
    if not part.name:
        return f"{len(part.bits)}'{part.bits}"
    return part.name if part.width == wires[part.name].width else f"{part.name} [{part.high}:{part.low}]"
