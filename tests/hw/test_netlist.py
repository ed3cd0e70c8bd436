from __future__ import annotations

import pytest

from hw.lib.shared import ModuleLibrary, convert
from hw.netlist import Slice, constant, highest, lowest, parse, width_of, write
from tests.hw.lib.test_shared import Top

SIG = (Slice("\\a", 7, 4), *constant("10"), Slice("\\b", 0, 0))


def normal(rtlil: str) -> list[str]:
    """Its lines without spacing, in any order: wires, cells and connections have none."""
    return sorted(" ".join(line.split()) for line in rtlil.splitlines() if line.strip())


def test_what_is_read_is_written_again() -> None:
    """Every line of a design with modules, instances, operators, blocks and slices."""
    library = ModuleLibrary()
    text = "\n".join([convert(Top(), "top", library), *library.modules.values()])
    modules = parse(text)
    again = write(modules.values())
    assert parse(again) == modules
    whole_slices = {line for line in normal(text) if "[" in line}
    assert len(normal(again)) == len(normal(text))
    assert set(normal(again)) >= set(normal(text)) - whole_slices


def test_parts_of_a_value() -> None:
    assert width_of(SIG) == 7
    assert lowest(SIG, 2) == (*constant("0"), Slice("\\b", 0, 0))
    assert highest(SIG, 5) == (Slice("\\a", 7, 4), *constant("1"))
    assert lowest(SIG, 7) == highest(SIG, 7) == SIG
    assert lowest(SIG, 0) == highest(SIG, 0) == ()


@pytest.mark.parametrize(("line", "message"), [("  surprise \\a", "unknown kind"), ("", "ends within module")])
def test_what_is_unknown_is_refused(line: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse(f"module \\top\n{line}\n")
