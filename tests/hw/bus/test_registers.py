from __future__ import annotations

import pytest

from hw.bus.registers import Access, Register, RegisterField, RegisterMap, engine_registers
from hw.lib.counters import CounterLayout
from tests.hw.lib.simulate import refuses


def named(name: str, offset: int, *fields: tuple[int, int]) -> Register:
    made = tuple(
        RegisterField(name=f"F{k}", low=low, width=width, access=Access.SETTING, text="")
        for k, (low, width) in enumerate(fields)
    )
    return Register(name=name, offset=offset, text="", fields=made)


@pytest.mark.parametrize("offsets", [(0, 0), (4, 0), (0, 2)])
def test_offsets_rise(offsets: tuple[int, int]) -> None:
    refuses(
        "offsets must rise in steps of 4",
        lambda: RegisterMap(name="m", registers=tuple(named(f"R{o}", o, (0, 1)) for o in offsets)),
    )


@pytest.mark.parametrize("fields", [((0, 33),), ((0, 2), (1, 2)), ((31, 2),)])
def test_fields_lie_apart(fields: tuple[tuple[int, int], ...]) -> None:
    refuses("bits must rise within 32", lambda: RegisterMap(name="m", registers=(named("R", 0, *fields),)))


def test_an_engine_says_what_it_is() -> None:
    counters = CounterLayout({"cycles": "cycles of the job", "words": "words read"})
    registers = engine_registers(
        "cluster", version="1.2.3", config_hash="0123456789ab", word_bytes=64, counters=counters
    )
    by_name = {register.name: register for register in registers.registers}
    letters = b"".join(by_name[f"ENGINE_{k}"].reset.to_bytes(4, "little") for k in (0, 1))
    assert letters == b"cluster\0"
    assert by_name["ID"].reset.to_bytes(4, "little") == b"TSRA"
    assert by_name["VERSION"].reset == 0x010203
    assert (by_name["CONFIG_1"].reset, by_name["CONFIG_0"].reset) == (0x0123, 0x456789AB)
    assert by_name["SHAPE"].reset == 64 | 2 << 16
    assert by_name["COUNTER_WORDS_1"].offset == 0x10C
    assert registers.address_width == 9
