"""Control registers as data: what a slave is built from, and what every description of it is written from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from amaranth.lib import data

from hw.bus.axi import LITE_WIDTH, Response
from hw.lib.counters import COUNTER_WIDTH, CounterLayout

MAGIC = int.from_bytes(b"TSRA", "little")
REGISTER_BYTES = LITE_WIDTH // 8
COUNTERS_AT = 0x100  # of the first counter's low half


class Access(StrEnum):
    """Who sets a field, and how."""

    CONSTANT = "constant"  #: nobody
    STATE = "state"  #: the hardware
    SETTING = "setting"  #: software, which reads what it wrote
    COMMAND = "command"  #: software: writing 1 acts once; it reads as 0
    FLAG = "flag"  #: the hardware sets it, software clears it by writing 1


@dataclass(frozen=True, kw_only=True)
class RegisterField:
    """Bits of a register that belong together."""

    name: str
    low: int = 0  #: its lowest bit
    width: int = 1
    access: Access
    text: str  #: what it means
    value: int = 0  #: of a constant; all else is 0 after reset


@dataclass(frozen=True, kw_only=True)
class Register:
    """32 bits at an offset, read and written whole or byte by byte."""

    name: str
    offset: int  #: in bytes, from the slave's base on
    text: str
    fields: tuple[RegisterField, ...]

    @property
    def writable(self) -> bool:
        """Software may write something in it."""
        return any(field.access in (Access.SETTING, Access.COMMAND, Access.FLAG) for field in self.fields)

    @property
    def reset(self) -> int:
        """What it reads after reset."""
        return sum(field.value << field.low for field in self.fields)


@dataclass(frozen=True, kw_only=True)
class RegisterMap:
    """Registers in the order of their offsets.

    Raises:
        ValueError: two overlap, or a field leaves its register.
    """

    name: str
    registers: tuple[Register, ...]

    def __post_init__(self) -> None:
        offsets = [register.offset for register in self.registers]
        if offsets != sorted(set(offsets)) or any(offset % REGISTER_BYTES for offset in offsets):
            raise ValueError(f"{self.name}: offsets must rise in steps of {REGISTER_BYTES}, they are {offsets}")
        for register in self.registers:
            below = 0
            for field in register.fields:
                if field.low < below or field.low + field.width > LITE_WIDTH:
                    raise ValueError(f"{register.name}.{field.name}: bits must rise within {LITE_WIDTH}")
                below = field.low + field.width

    @property
    def address_width(self) -> int:
        """Bits of the slave's addresses: its registers fill less than 2**address_width bytes."""
        return (self.registers[-1].offset + REGISTER_BYTES - 1).bit_length()

    def fields(self, access: Access) -> Iterator[tuple[Register, RegisterField]]:
        """Every field of a kind."""
        for register in self.registers:
            for field in register.fields:
                if field.access == access:
                    yield register, field

    def layout(self, access: Access) -> data.StructLayout:
        """The fields of a kind as a payload, called as `port_name` says."""
        return data.StructLayout({port_name(r, f): f.width for r, f in self.fields(access)})


def port_name(register: Register, field: RegisterField) -> str:
    """Of a field among the slave's ports."""
    return f"{register.name}_{field.name}".lower()


#: Why a job failed, as ERROR.CAUSE has it.
CAUSES = {
    "none": 0,
    "read_slverr": Response.SLVERR,
    "read_decerr": Response.DECERR,
    "write_slverr": 4 | Response.SLVERR,
    "write_decerr": 4 | Response.DECERR,
    "stopped": 8,
}


def engine_registers(
    engine: str, *, version: str, config_hash: str, word_bytes: int, counters: CounterLayout
) -> RegisterMap:
    """The registers of an engine: the same for all but for constants and counters."""
    constants = _identity(engine, version, config_hash, word_bytes, len(counters.descriptions))
    registers = [*constants, *_control(), *_counters(counters)]
    return RegisterMap(name=engine, registers=tuple(registers))


def _register(name: str, offset: int, text: str, *fields: RegisterField) -> Register:
    return Register(name=name, offset=offset, text=text, fields=fields)


def _constant(name: str, text: str, value: int, *, low: int = 0, width: int = LITE_WIDTH) -> RegisterField:
    return RegisterField(name=name, low=low, width=width, access=Access.CONSTANT, text=text, value=value)


def _identity(engine: str, version: str, config_hash: str, word_bytes: int, counters: int) -> Sequence[Register]:
    letters = engine.encode().ljust(8, b"\0")
    names = [int.from_bytes(letters[k : k + 4], "little") for k in (0, 4)]
    major, minor, patch = (int(part) for part in version.split(".")[:3])
    digest = int(config_hash, 16)
    return (
        _register("ID", 0x00, "What this is.", _constant("MAGIC", "the letters TSRA, the first one lowest", MAGIC)),
        _register("ENGINE_0", 0x04, "The engine's name.", _constant("NAME", "its first four letters, or 0", names[0])),
        _register("ENGINE_1", 0x08, "The engine's name.", _constant("NAME", "its next four letters, or 0", names[1])),
        _register(
            "VERSION", 0x0C, "Of the generator.",
            _constant("PATCH", "third number", patch, width=8),
            _constant("MINOR", "second number", minor, low=8, width=8),
            _constant("MAJOR", "first number", major, low=16, width=8),
        ),
        _register("CONFIG_0", 0x10, "The config.", _constant("HASH", "lower 32 bits of its hash", digest & 0xFFFFFFFF)),
        _register(
            "CONFIG_1", 0x14, "The config.", _constant("HASH", "upper 16 bits of its hash", digest >> 32, width=16)
        ),
        _register(
            "SHAPE", 0x18, "What software must know of the config.",
            _constant("WORD_BYTES", "bytes of a memory word", word_bytes, width=16),
            _constant("COUNTERS", "how many counters there are", counters, low=16, width=16),
        ),
    )  # fmt: skip


def _control() -> Sequence[Register]:
    def bit(name: str, low: int, access: Access, text: str) -> RegisterField:
        return RegisterField(name=name, low=low, access=access, text=text)

    causes = ", ".join(f"{value} {name}" for name, value in CAUSES.items())
    return (
        _register(
            "CONTROL", 0x20, "Commands.",
            bit("START", 0, Access.COMMAND, "begin the job whose header lies at ADDRESS; ignored while STATUS.BUSY"),
            bit("STOP", 1, Access.COMMAND, "end the job as failed, with ERROR.CAUSE stopped, and reset the engine"),
        ),
        _register(
            "STATUS", 0x24, "Of the newest job.",
            bit("BUSY", 0, Access.STATE, "it is under way"),
            bit("DONE", 1, Access.STATE, "it ended well: every word of its results is in memory"),
            bit("FAILED", 2, Access.STATE, "it ended with an error, which ERROR tells"),
        ),
        _register(
            "ADDRESS", 0x28, "Of the job.",
            RegisterField(name="HEADER", width=LITE_WIDTH, access=Access.SETTING,
                          text="where the header lies, in bytes; a multiple of SHAPE.WORD_BYTES"),
        ),
        _register(
            "INTERRUPT", 0x2C, "The port `irq` is high while a flag here is set that INTERRUPT_ENABLE has too.",
            bit("DONE", 0, Access.FLAG, "a job ended well"),
            bit("FAILED", 1, Access.FLAG, "a job ended with an error"),
        ),
        _register(
            "INTERRUPT_ENABLE", 0x30, "Which flags interrupt.",
            bit("DONE", 0, Access.SETTING, "that of a job that ended well"),
            bit("FAILED", 1, Access.SETTING, "that of a job that ended with an error"),
        ),
        _register(
            "ERROR", 0x34, "Why the newest job failed.",
            RegisterField(name="CAUSE", width=4, access=Access.STATE, text=causes),
        ),
        _register(
            "ERROR_ADDRESS", 0x38, "Where it failed.",
            RegisterField(name="BURST", width=LITE_WIDTH, access=Access.STATE,
                          text="address of the burst that was answered with an error"),
        ),
    )  # fmt: skip


def _counters(counters: CounterLayout) -> Iterator[Register]:
    for k, (name, text) in enumerate(counters.descriptions.items()):
        for half, width in enumerate((LITE_WIDTH, COUNTER_WIDTH - LITE_WIDTH)):
            field = RegisterField(
                name="COUNT",
                width=width,
                access=Access.STATE,
                text=f"{'upper' if half else 'lower'} bits of the counter",
            )
            place = COUNTERS_AT + 2 * REGISTER_BYTES * k + REGISTER_BYTES * half
            yield _register(f"COUNTER_{name.upper()}_{half}", place, f"{text[0].upper()}{text[1:]}.", field)


def counter_values(counters: CounterLayout, values: Any) -> dict[str, Any]:
    """The counters' registers as the slave's port `state` calls them, of a payload of counters."""
    found: dict[str, Any] = {}
    for name in counters.descriptions:
        for half, bits in enumerate((slice(0, LITE_WIDTH), slice(LITE_WIDTH, COUNTER_WIDTH))):
            found[f"counter_{name}_{half}_count"] = values[name][bits]
    return found
