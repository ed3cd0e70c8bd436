"""A register map in SystemRDL 2.0."""

from __future__ import annotations

import json
from collections.abc import Iterator

from hw.bus.registers import Access, Register, RegisterField, RegisterMap

#: What software and hardware may do with a field of each kind.
_PROPERTIES = {
    Access.CONSTANT: "sw = r; hw = na;",
    Access.STATE: "sw = r; hw = w;",
    Access.SETTING: "sw = rw; hw = r;",
    Access.COMMAND: "sw = rw; hw = r; singlepulse;",
    Access.FLAG: "sw = rw; hw = r; woclr; hwset;",
}


def system_rdl(registers: RegisterMap, title: str) -> str:
    """An `addrmap` of the same name."""
    lines = [f"// {title}: its control registers. Generated; do not edit.", f"addrmap {registers.name} {{"]
    lines += [f"  name = {json.dumps(title)};", "  default regwidth = 32;", "  default accesswidth = 32;", ""]
    for register in registers.registers:
        lines += _register(register)
    return "\n".join([*lines, "};", ""])


def _register(register: Register) -> Iterator[str]:
    yield "  reg {"
    yield f"    desc = {json.dumps(register.text)};"
    for field in register.fields:
        yield from _field(field)
    yield f"  }} {register.name} @ 0x{register.offset:X};"


def _field(field: RegisterField) -> Iterator[str]:
    yield f"    field {{ {_PROPERTIES[field.access]} desc = {json.dumps(field.text)}; }}"
    reset = "" if field.access == Access.STATE else f" = {field.width}'h{field.value:x}"
    yield f"      {field.name}[{field.low + field.width - 1}:{field.low}]{reset};"
