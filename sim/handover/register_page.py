"""A register map as a page to read."""

from __future__ import annotations

from hw.bus.registers import COUNTERS_AT, Access, RegisterMap
from hw.lib.counters import COUNTER_WIDTH, CounterLayout

_ACCESS = {
    Access.CONSTANT: "constant",
    Access.STATE: "read",
    Access.SETTING: "read, write",
    Access.COMMAND: "write 1 to act",
    Access.FLAG: "read, write 1 to clear",
}


def register_page(registers: RegisterMap, title: str, counters: CounterLayout) -> str:
    """Two tables: control registers with their fields, and counters."""
    lines = [f"# {title}: control registers", ""]
    lines += [
        f"AXI4-Lite, 32-bit words, {1 << registers.address_width} bytes. All that can be written is 0 after reset."
        " Other offsets, and writes where nothing can be written, are answered with SLVERR.",
        "",
        "| offset | register | bits | field | access | meaning |",
        "|--:|---|--:|---|---|---|",
    ]
    for register in registers.registers:
        if register.offset >= COUNTERS_AT:
            continue
        lines.append(f"| 0x{register.offset:02X} | `{register.name}` | | | | {register.text} |")
        for field in register.fields:
            high = field.low + field.width - 1
            bits = f"{high}:{field.low}" if high > field.low else f"{high}"
            value = f" (0x{field.value:X})" if field.access == Access.CONSTANT else ""
            lines.append(f"| | | {bits} | `{field.name}` | {_ACCESS[field.access]}{value} | {field.text} |")
    lines += [
        "",
        f"Counters have {COUNTER_WIDTH} bits: the lower 32 at the offset, the upper ones 4 bytes behind. They are of"
        " the newest job, and stand still once it has ended.",
        "",
        "| offset | counter | counts |",
        "|--:|---|---|",
    ]
    for k, (name, text) in enumerate(counters.descriptions.items()):
        lines.append(f"| 0x{COUNTERS_AT + 8 * k:03X} | `{name}` | {text} |")
    return "\n".join([*lines, ""])
