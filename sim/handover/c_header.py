"""A register map as a C header."""

from __future__ import annotations

from collections.abc import Iterator

from hw.bus.registers import CAUSES, COUNTERS_AT, Access, Register, RegisterMap
from hw.lib.counters import CounterLayout


def c_header(registers: RegisterMap, title: str, counters: CounterLayout) -> str:
    """Offsets, fields as shift and mask, constants, causes and counters; nothing but macros."""
    name = registers.name.upper()
    guard = f"TESSERA_{name}_H"
    lines = [f"/* {title}: its control registers. Generated; do not edit. */"]
    lines += [f"#ifndef {guard}", f"#define {guard}", ""]
    for register in registers.registers:
        if register.offset < COUNTERS_AT:
            lines += _register(name, register)
    lines += ["", "/* ERROR.CAUSE */"]
    lines += [f"#define {name}_CAUSE_{cause.upper()} {int(value)}u" for cause, value in CAUSES.items()]
    lines += ["", "/* Counters: the lower 32 bits; the upper ones are 4 bytes behind. */"]
    for k, (counter, text) in enumerate(counters.descriptions.items()):
        lines.append(f"#define {name}_COUNTER_{counter.upper()} 0x{COUNTERS_AT + 8 * k:03X}u /* {text} */")
    return "\n".join([*lines, "", f"#endif /* {guard} */", ""])


def _register(name: str, register: Register) -> Iterator[str]:
    yield f"#define {name}_{register.name} 0x{register.offset:02X}u /* {register.text} */"
    for field in register.fields:
        begin = f"#define {name}_{register.name}_{field.name}"
        yield f"{begin}_SHIFT {field.low}u"
        yield f"{begin}_MASK 0x{(1 << field.width) - 1 << field.low:08X}u /* {field.text} */"
        if field.access == Access.CONSTANT:
            yield f"{begin}_VALUE 0x{field.value:X}u"
