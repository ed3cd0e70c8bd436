"""Yosys' Verilog in the form that people and other readers want; its meaning stays."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

_MODULE = re.compile(r"^module (\w+)\(([^;]*)\);\n(.*?)^endmodule\n", re.DOTALL | re.MULTILINE)
_DECLARATION = re.compile(
    r"  (?P<flow>input |output )?(?P<kind>wire |reg )?(?P<type>(?:signed )?(?:\[\d+:0\] )?)"
    r"(?P<name>\w+|\\\S+ )(?: = (?P<initial>\d+'\w+))?;"
)
_READ_REGISTER = re.compile(r"^  assign (\w+).* = (_\d+_);$", re.MULTILINE)
_NUMBER = re.compile(r"\b_\d+_\b")
_WORD = re.compile(r"\w+")
_ALL_ZERO = re.compile(r"^(  assign \S+ = )! ", re.MULTILINE)

_UNREAD = (
    "  // Not every bit of these is read: fields have names for whoever looks at waves, a record is passed on whole.",
    "  // verilator lint_off UNUSEDSIGNAL",
)
_READ_AGAIN = "  // verilator lint_on UNUSEDSIGNAL"


@dataclass
class _Declaration:
    name: str
    written: str  # a port of the top that is called like a keyword is escaped
    flow: str
    kind: str
    type: str
    initial: str

    def text(self) -> str:
        return f"{self.flow}{self.kind or 'wire '}{self.type}{self.written}"


def finish(verilog: str, unread: Mapping[str, set[str]], notes: Mapping[str, Mapping[str, Sequence[str]]]) -> str:
    """Module by module: ports with all that is declared of them in one place, initial values apart from
    declarations, a default in every case, and each pragma around what it is for.

    Args:
        unread: by module, signals of which some bits are not read.
        notes: by module and port, comment lines to put above the port.
    """

    def replace(found: re.Match[str]) -> str:
        name = found[1]
        return "\n".join(_module(name, found[2], found[3], unread.get(name, set()), notes.get(name, {}))) + "\n"

    return _MODULE.sub(replace, verilog)


def _module(name: str, ports: str, body: str, unread: set[str], notes: Mapping[str, Sequence[str]]) -> Iterator[str]:
    declared: dict[str, _Declaration] = {}
    rest: list[str] = []
    for line in _named_registers(_ALL_ZERO.sub(r"\1~| ", body)).splitlines():
        found = _DECLARATION.fullmatch(line)
        if found:
            _declare(declared, found)
        else:
            rest.append(line)
    order = [declared[port.strip().lstrip("\\")] for port in ports.split(",")]
    order.sort(key=lambda port: ["clk", "rst"].index(port.name) if port.name in ("clk", "rst") else 2)
    if notes:
        order.sort(key=lambda port: [*notes].index(port.name))
    yield f"module {name}("
    yield from _list(order, unread, notes, last=order[-1])
    yield ");"
    inner = sorted((d for d in declared.values() if not d.flow), key=lambda d: d.name in unread)
    yield from _list(inner, unread, {})
    registers = [d for d in declared.values() if d.initial]
    if registers:
        yield from ("  initial begin", *(f"    {d.written} = {d.initial};" for d in registers), "  end")
    yield from _with_defaults(rest)
    yield "endmodule"


def _declare(declared: dict[str, _Declaration], found: re.Match[str]) -> None:
    """Yosys declares a port's direction and its kind apart."""
    name = found["name"].strip().lstrip("\\")
    entry = declared.setdefault(name, _Declaration(name, found["name"], "", "", found["type"], ""))
    entry.flow = entry.flow or found["flow"] or ""
    entry.kind = found["kind"] or entry.kind
    entry.initial = found["initial"] or entry.initial


def _list(
    declarations: list[_Declaration], unread: set[str], notes: Mapping[str, Sequence[str]], *,
    last: _Declaration | None = None,
) -> Iterator[str]:  # fmt: skip
    """Declarations, of ports if there is a `last` one; a pragma around each run of those that are not read whole."""
    for partly, run in groupby(declarations, key=lambda d: d.name in unread):
        yield from _UNREAD if partly else ()
        for declaration in run:
            yield from (f"  // {line}" for line in notes.get(declaration.name, ()))
            end = ";" if last is None else "" if declaration is last else ","
            yield f"  {declaration.text()}{end}"
        if partly:
            yield _READ_AGAIN


def _named_registers(body: str) -> str:
    """What Yosys alone has named: the register of a memory's read port is called after what shows it."""
    names = {register: f"{shown}_read" for shown, register in _READ_REGISTER.findall(body)}
    taken = set(_WORD.findall(body))
    for number in dict.fromkeys(_NUMBER.findall(body)):
        name = names.get(number, f"n{number.rstrip('_')}")
        while name in taken:
            name += "_"
        taken.add(name)
        names[number] = name
    return _NUMBER.sub(lambda found: names[found[0]], body)


def _with_defaults(lines: list[str]) -> Iterator[str]:
    """Cases without a default do nothing for other values; they say so."""
    complete: list[bool] = []
    for line in lines:
        word = line.strip()
        if re.match(r"case[zx]? ", word):
            complete.append(False)
        elif word == "default:":
            complete[-1] = True
        elif word == "endcase" and not complete.pop():
            yield f"{line.removesuffix('endcase')}  default: ;"
        yield line
