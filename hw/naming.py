"""Names for a netlist's Verilog: the source's where it has one, else made from what a wire is for.

Amaranth numbers what its source does not name, and what it names twice in a module; a number changes with everything
before it. Here a name depends on what is near alone: a signal of a part is `part__port`, what a register becomes is
`register_next`, and the result of an operator is called after the signal it helps to make, `busy_and`.
"""

from __future__ import annotations

import re
from collections import defaultdict

from hw.keywords import KEYWORDS
from hw.netlist import Cell, Netlist, Sig, Slice, rewrite_all
from hw.tidy import base_name, is_anonymous

_NUMBER = re.compile(r"\$\d+(?=$|[.\[])")
_UNIT = "_unit"  # behind the name of an instance that a signal has too
_MEMORY_PORTS = {"$memrd_v2": "read", "$memwr_v2": "write"}


def rename(modules: dict[str, Netlist], top: str, *, prefix: str = "") -> dict[str, str]:
    """Gives everything a legal name, that of a module beginning with `prefix`; ports of `top` keep theirs.

    Returns:
        The modules' new names by their old ones, both as RTLIL has them.
    """
    order = _children_first(modules)
    scopes = {name: _Scope(modules[name], modules, fixed=name == top) for name in order}
    for name in order:
        scopes[name].name_what_the_source_names(scopes)
    for name in reversed(order):
        scopes[name].name_the_rest(scopes)
    names = _module_names(modules, top, prefix)
    for scope in scopes.values():
        scope.apply(scopes, names)
    return names


def _children_first(modules: dict[str, Netlist]) -> list[str]:
    order: dict[str, None] = {}

    def visit(name: str) -> None:
        if name not in order:
            for cell in modules[name].cells:
                if cell.kind in modules:
                    visit(cell.kind)
            order[name] = None

    for name in modules:
        visit(name)
    return list(order)


def _module_names(modules: dict[str, Netlist], top: str, prefix: str) -> dict[str, str]:
    names = {top: f"\\{prefix}{top[1:]}"}
    taken = {*KEYWORDS, names[top][1:]}
    for name in sorted(modules.keys() - {top}, key=lambda name: ("$" in name, [*modules].index(name))):
        names[name] = f"\\{_unique(f'{prefix}{_plain(name)}', taken)}"
    return names


def _plain(name: str) -> str:
    """Without numbers, and members and elements joined as those of ports are."""
    return re.sub(r"\W+", "__", _NUMBER.sub("", name.removeprefix("\\")).replace("]", "")).strip("$")


def _unique(name: str, taken: set[str]) -> str:
    """`name`, with a number behind it if need be; it is taken then."""
    candidate = name = f"{name}_" if name in KEYWORDS else name
    number = 1
    while candidate in taken:
        number += 1
        candidate = f"{name}_{number}"
    taken.add(candidate)
    return candidate


class _Scope:
    """The names of a module: of wires, memories and instances together."""

    def __init__(self, module: Netlist, modules: dict[str, Netlist], *, fixed: bool) -> None:
        self.module = module
        self.fixed = fixed
        self.parents = [
            (parent.name, cell) for parent in modules.values() for cell in parent.cells if cell.kind == module.name
        ]
        # What has its own instance's name would hide it.
        self.taken = {f"{_plain(cell.name)}{end}" for _, cell in self.parents for end in ("", _UNIT)}
        self.names: dict[str, str] = {}
        self.memories: dict[str, str] = {}
        self.instances = [cell for cell in module.cells if not cell.kind.startswith("$")]
        self.cells: dict[str, str] = {}

    def name_what_the_source_names(self, scopes: dict[str, _Scope]) -> None:
        """Names without a number keep them, unless they are those of a part's port."""
        wires = self.module.wires
        if self.fixed:  # ports keep their names, whatever else is called so
            self.taken |= {name[1:] for name, wire in wires.items() if wire.port}
        self.memories = {name: _unique(_plain(name), self.taken) for name in self.module.memories}
        named = [name for name in wires if not is_anonymous(name) and base_name(name) == name]
        for name in named:
            if wires[name].port and not _NUMBER.search(name):
                self.names[name] = name[1:] if self.fixed else _unique(_plain(name), self.taken)
                self.taken.add(self.names[name])
        inner = {_plain(name) for name in named if name not in self.names}
        for cell in self.instances:
            name = _plain(cell.name)
            self.cells[cell.name] = _unique(name + _UNIT * (name in self.taken | inner), self.taken)
        at_part = self._at_parts(scopes)
        at_parts = {_plain(port) for cell in self.instances for port in cell.ports}
        for name in sorted(named, key=lambda name: bool(_NUMBER.search(name))):
            plain = _plain(name)
            same = _NUMBER.search(name) or plain in at_parts
            if name not in self.names:
                self.names[name] = _unique(at_part.get(name, plain) if same else plain, self.taken)

    def name_the_rest(self, scopes: dict[str, _Scope]) -> None:
        """Ports after what the parent connects, other wires after what they are for, fields after their records."""
        wires = self.module.wires
        rest = [name for name in wires if name not in self.names and base_name(name) == name]
        for name in rest:
            if wires[name].port:
                self.names[name] = _unique(self._at_parent(name, scopes), self.taken)
        purposes = _Purposes(self)
        at_part = self._at_parts(scopes)
        for name in rest:
            if name not in self.names:
                self.names[name] = _unique(at_part.get(name) or purposes.name_of(name), self.taken)
        for name in wires:
            if name not in self.names:
                self.names[name] = _unique(_field_name(name, self.names), self.taken)

    def _at_parts(self, scopes: dict[str, _Scope]) -> dict[str, str]:
        """Wires that are all of a port of one instance, or driven by it, as `instance__port`."""
        found: dict[str, str] = {}
        driven: set[str] = set()
        for cell in self.instances:
            inside = scopes.get(cell.kind)
            if inside is None:  # a module of another file
                continue
            for port, sig in cell.ports.items():
                if len(sig) == 1 and port in inside.names and sig[0].width == self._width(sig):
                    name = f"{self.cells[cell.name]}__{inside.names[port]}"
                    if inside.module.wires[port].port.startswith("output"):
                        found[sig[0].name] = name
                        driven.add(sig[0].name)
                    elif sig[0].name not in driven:
                        found[sig[0].name] = "" if sig[0].name in found else name
        return {wire: name for wire, name in found.items() if name}

    def _at_parent(self, port: str, scopes: dict[str, _Scope]) -> str:
        for parent, cell in self.parents:
            for part in cell.ports[port]:
                if part.name in scopes[parent].names:
                    name = scopes[parent].names[part.name]
                    cut = part.width < scopes[parent].module.wires[part.name].width
                    return f"{name}_{part.high}_{part.low}" if cut else name
        return "port"

    def _width(self, sig: Sig) -> int:
        return self.module.wires[sig[0].name].width if sig[0].name else 0

    def apply(self, scopes: dict[str, _Scope], modules: dict[str, str]) -> None:
        """Writes the names into the module."""
        module, names = self.module, {old: f"\\{new}" for old, new in self.names.items()}
        rewrite_all(module, lambda sig: tuple(p._replace(name=names.get(p.name, p.name)) for p in sig))
        module.wires = {names[wire.name]: wire for wire in module.wires.values()}
        for new, wire in module.wires.items():
            wire.name = new
        module.memories = {
            f"\\{self.memories[old]}": [*lines[:-1], f"{lines[-1].rsplit(None, 1)[0]} \\{self.memories[old]}"]
            for old, lines in module.memories.items()
        }
        for cell in module.cells:
            if "\\MEMID" in cell.parameters:
                cell.parameters["\\MEMID"] = f'"\\\\{self.memories[_memory(cell)]}"'
            if cell.kind in scopes:
                inside = scopes[cell.kind].names
                cell.ports = {f"\\{inside[port]}": sig for port, sig in cell.ports.items()}
            if cell.name in self.cells:
                cell.name, cell.kind = f"\\{self.cells[cell.name]}", modules.get(cell.kind, cell.kind)
        module.name = modules[module.name]


def _field_name(name: str, names: dict[str, str]) -> str:
    """What a field is called, by the name of its record."""
    base = base_name(name)
    rest = _plain(name[len(base) :]).lstrip("_")
    return "__".join(filter(None, (names.get(base, _plain(base)), rest)))


def _memory(cell: Cell) -> str:
    return cell.parameters["\\MEMID"].strip('"').replace("\\\\", "\\")


class _Purposes:
    """What the unnamed wires of a module are for: the nearest that has a name and is made of each."""

    def __init__(self, scope: _Scope) -> None:
        self.scope = scope
        self.kinds: dict[str, str] = {}  # of the operator that makes a wire
        self.readers: dict[str, list[tuple[str, str]]] = defaultdict(
            list
        )  # a wire made of it, or a name from its place
        self.records = self._records()
        self._read_blocks()
        for cell in scope.module.cells:
            self._read_cell(cell)

    def name_of(self, name: str) -> str:
        """A name that others may have too."""
        for wire, place in self.readers[name]:
            if place:
                return place
            if self.kinds.get(wire) == "dff":
                return f"{self._nearest(wire)}_next"
        return f"{self._nearest(name)}_{self.kinds.get(name, 'value')}"

    def _nearest(self, wire: str) -> str:
        """Breadth first, so that what is far away has no say."""
        queue = [wire]
        for wire in queue:
            if not is_anonymous(wire):
                return self.scope.names.get(wire) or _field_name(wire, self.scope.names)
            for following, place in self.readers[wire]:
                if place:
                    return place
                if following not in queue:
                    queue.append(following)
        return "unread"

    def _records(self) -> dict[Slice, str]:
        """Fields by the bits of their record, and of what their record becomes."""
        module = self.scope.module
        fields = {right[0]: left[0].name for left, right in module.connects if right[0].name == base_name(left[0].name)}
        for cell in module.cells:
            if cell.kind == "$dff" and len(cell.ports["\\D"]) == 1:
                record, following = cell.ports["\\Q"][0].name, cell.ports["\\D"][0].name
                fields |= {
                    bits._replace(name=following): field for bits, field in fields.items() if bits.name == record
                }
        return fields

    def _target(self, sig: Sig) -> str:
        """What an assignment makes: nothing where it has no bits."""
        return self.records.get(sig[0], sig[0].name) if sig else ""

    def _read_blocks(self) -> None:
        for left, right in self.scope.module.connects:
            self._read([right], self._target(left))
        for process in self.scope.module.processes:
            targets = [self._target(line.sigs[0]) for line in process.body if line.word == "assign"]
            for line in process.body:
                if line.word == "assign":
                    self._read(line.sigs[1:], self._target(line.sigs[0]))
                elif targets:
                    self._read(line.sigs, targets[0])

    def _read_cell(self, cell: Cell) -> None:
        result = cell.ports.get("\\Y") or cell.ports.get("\\Q") or ()
        for part in result:
            self.kinds[part.name] = cell.kind.removeprefix("$")
        for port, sig in cell.ports.items():
            if port in ("\\Y", "\\Q"):
                continue
            place = ""
            if cell.kind in _MEMORY_PORTS:
                place = f"{self.scope.memories[_memory(cell)]}_{_MEMORY_PORTS[cell.kind]}_{port[1:].lower()}"
            elif cell.name in self.scope.cells:
                place = f"{self.scope.cells[cell.name]}__{_plain(port)}"
            if place or result:
                self._read([sig], result[0].name if result else "", place)

    def _read(self, sigs: list[Sig], made: str, place: str = "") -> None:
        for sig in sigs if made or place else ():
            for part in sig:
                self.readers[part.name].append((made, place))
