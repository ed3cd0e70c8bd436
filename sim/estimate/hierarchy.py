"""A design cut into units: modules that are mapped one by one, each unique one once.

Small modules are dissolved into the one that holds them, so that mapping sees across their borders; modules that are
equal but for their names are one unit.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

#: Below this weight (see `_weight`) a module is dissolved. At 1,000 the engines have 20 to 60 units each.
SMALL = 1000
#: A memory of fewer bits or rows is flip-flops, as is one whose read ports have no clock.
MACRO_BITS, MACRO_DEPTH = 512, 8
#: Of a memory that becomes a macro, in RTLIL.
MACRO = "tessera_macro"

_MODULE = re.compile(r"^(?:attribute [^\n]*\n)*module (\S+)\n.*?^end$", re.M | re.S)
_INSTANCE = re.compile(r"^(  cell )(\\\S+)( \S+)$", re.M)
_PORT = re.compile(r"^  wire .*\b(?:input|output|inout) \d+.*$", re.M)
_CELL = re.compile(r"^  cell (\$\S+) \S+\n((?:    .*\n)*)", re.M)
_MEMORY = re.compile(r"^  memory width (\d+) size (\d+) (?:offset \S+ )?(\S+)$", re.M)
_WIDTH = re.compile(r"parameter (?:signed )?\\(\w*WIDTH) (?:32')?(\d+)$", re.M)
_MEMID = re.compile(r'parameter \\MEMID "(\S+)"')
_ASSIGN = re.compile(r"^ {4,}assign ", re.M)


@dataclass(frozen=True)
class Unit:
    """A module that is mapped by itself."""

    name: str  #: of the module, as RTLIL has it, without the backslash
    rtlil: str  #: the module, those dissolved into it, and the units below it as black boxes
    children: Counter[str]  #: units right below it, and how often each stands in it


def split(rtlil: str, top: str, *, small: float = SMALL) -> dict[str, Unit]:
    """The units of a design by name, those below before those above, the top last.

    Modules lighter than `small` are dissolved.

    Raises:
        KeyError: the design has no module `top`.
    """
    modules = _unique({found[1]: found[0] for found in _MODULE.finditer(rtlil)}, f"\\{top}")
    kept: dict[str, Unit] = {}
    dissolved: dict[str, list[str]] = {}  # by module, what goes with it: itself and, as often as they stand, others
    for name, text in modules.items():
        kinds = [kind for _, kind, _ in _INSTANCE.findall(text)]
        inside = [name, *(inner for kind in kinds for inner in dissolved.get(kind, ()))]
        texts = [modules[part] for part in inside]
        if name != f"\\{top}" and sum(map(_weight, texts)) < small:
            dissolved[name] = inside
            continue
        below = (kind[1:] for inner in texts for _, kind, _ in _INSTANCE.findall(inner))
        children = Counter(kind for kind in below if kind in kept)
        boxes = (_black_box(modules[f"\\{child}"]) for child in children)
        kept[name[1:]] = Unit(name[1:], "\n".join([*dict.fromkeys(texts), *boxes, ""]), children)
    return kept


def _unique(modules: dict[str, str], top: str) -> dict[str, str]:
    """The modules that `top` needs, children first, equal ones once, their macros marked."""
    alias: dict[str, str] = {}  # by name, the equal module that was met first
    kept: dict[str, str] = {}
    seen: dict[tuple[str, ...], str] = {}

    def visit(name: str) -> None:
        if name in alias:
            return
        for _, kind, _ in _INSTANCE.findall(modules[name]):
            if kind in modules:
                visit(kind)
        text = _INSTANCE.sub(lambda cell: f"{cell[1]}{alias.get(cell[2], cell[2])}{cell[3]}", modules[name])
        alias[name] = seen.setdefault(_anonymous(text, name), name)
        kept.setdefault(alias[name], _mark_macros(text))

    visit(top)
    return kept


def _anonymous(module: str, name: str) -> tuple[str, ...]:
    """The module without its name and with its automatic names counted afresh: equal for equal modules."""
    numbers: dict[str, str] = {}
    text = module.replace(f"module {name}\n", "module\n")
    counted = re.sub(r"\$\d+", lambda found: numbers.setdefault(found[0], f"${len(numbers)}"), text)
    return counted, *_PORT.findall(module)


def _mark_macros(module: str) -> str:
    """Gives memories that become macros an attribute: large, written, read at a clock's edge, without contents."""
    ports: dict[str, list[tuple[str, str]]] = {}
    for kind, body in _CELL.findall(module):
        if found := _MEMID.search(body):
            ports.setdefault(found[1].replace("\\\\", "\\"), []).append((kind, body))

    def marked(found: re.Match[str]) -> str:
        width, size, name = found.groups()
        mine = ports.get(name, [])
        kinds = {kind for kind, _ in mine}
        clocked = all(re.search(r"\\CLK_ENABLE (?:1'1|1)$", body, re.M) for kind, body in mine if "memrd" in kind)
        large = int(width) * int(size) >= MACRO_BITS and int(size) >= MACRO_DEPTH
        macro = large and clocked and kinds == {"$memrd_v2", "$memwr_v2"}
        return f"  attribute \\{MACRO} 1\n{found[0]}" if macro else found[0]

    return _MEMORY.sub(marked, module)


def _weight(module: str) -> int:
    """About how many gates a module has, without those of instances: good enough to tell small from large."""
    weight = 8 * len(_ASSIGN.findall(module))
    for kind, body in _CELL.findall(module):
        widths = {name: int(value) for name, value in _WIDTH.findall(body)}
        if kind == "$mul":
            weight += 4 * widths["A_WIDTH"] * widths["B_WIDTH"]
        else:
            weight += widths.get("Y_WIDTH", widths.get("WIDTH", 0))
    return weight


def _black_box(module: str) -> str:
    """The module's ports alone."""
    head = next(line for line in module.splitlines() if line.startswith("module "))
    return "\n".join(["attribute \\blackbox 1", head, *_PORT.findall(module), "end"])
