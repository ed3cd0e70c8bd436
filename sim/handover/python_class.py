"""A register map as a Python class that needs nothing but Python."""

from __future__ import annotations

from hw.bus.registers import CAUSES, COUNTERS_AT, REGISTER_BYTES, RegisterMap
from hw.lib.counters import COUNTER_WIDTH, CounterLayout

_CLASS = '''\
"""{title}: its control registers. Generated; do not edit."""


class Register:
    """32 bits at an offset; `fields` has the lowest bit and the width of each field."""

    def __init__(self, offset, **fields):
        self.offset, self.fields = offset, fields

    def decode(self, word):
        """The fields of a word that was read."""
        return {{name: word >> low & (1 << width) - 1 for name, (low, width) in self.fields.items()}}

    def encode(self, **values):
        """The word to write; fields that are not named are 0."""
        for name, value in values.items():
            if value >> self.fields[name][1]:
                raise ValueError(f"{{name}} has {{self.fields[name][1]}} bits, {{value}} has more")
        return sum(value << self.fields[name][0] for name, value in values.items())


class Registers:
    """Offsets and fields, what the constants read, and what the causes of an error are called."""

'''


def python_class(registers: RegisterMap, title: str, counters: CounterLayout) -> str:
    """The class `Registers`."""
    lines: list[str] = []
    for register in registers.registers:
        if register.offset < COUNTERS_AT:
            fields = "".join(f", {field.name}=({field.low}, {field.width})" for field in register.fields)
            lines.append(f"    {register.name} = Register(0x{register.offset:02X}{fields})  # {register.text}")
    constants = {r.name: r.reset for r in registers.registers if not r.writable and r.reset}
    lines += [
        "    #: What registers read that never change.",
        f"    CONSTANTS = {constants}",
        "    #: Of ERROR.CAUSE.",
        f"    CAUSES = { {int(value): name for name, value in CAUSES.items()} }",
        f"    #: Offset of each counter's lower 32 bits; the other {COUNTER_WIDTH - 32} lie {REGISTER_BYTES} bytes on.",
        "    COUNTERS = {",
    ]
    for k, (name, text) in enumerate(counters.descriptions.items()):
        lines.append(f'        "{name}": 0x{COUNTERS_AT + 2 * REGISTER_BYTES * k:03X},  # {text}')
    return _CLASS.format(title=title) + "\n".join([*lines, "    }", ""])
