"""One table of registers, four texts: each read back by what it is for."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from hw.bus.registers import Access, RegisterMap, engine_registers
from hw.lib.counters import CounterLayout
from sim.handover.c_header import c_header
from sim.handover.python_class import python_class
from sim.handover.register_page import register_page
from sim.handover.system_rdl import system_rdl

COUNTERS = CounterLayout({"cycles": "cycles of the job", "words": "words read"})
MAP = engine_registers("lod", version="1.2.3", config_hash="0123456789ab", word_bytes=16, counters=COUNTERS)
CONTROL = [register for register in MAP.registers if not register.name.startswith("COUNTER_")]


def made_class() -> Any:
    names: dict[str, Any] = {}
    exec(python_class(MAP, "lod", COUNTERS), names)
    return names["Registers"]


def test_the_class_has_every_register() -> None:
    registers = made_class()
    for register in CONTROL:
        made = getattr(registers, register.name)
        assert made.offset == register.offset
        assert made.fields == {field.name: (field.low, field.width) for field in register.fields}
    assert registers.COUNTERS == {"cycles": 0x100, "words": 0x108}
    assert registers.CONSTANTS["SHAPE"] == 16 | 2 << 16
    assert registers.CAUSES[7] == "write_decerr"


def test_the_class_packs_and_unpacks() -> None:
    version = made_class().VERSION
    assert version.decode(0x010203) == {"MAJOR": 1, "MINOR": 2, "PATCH": 3}
    assert version.encode(MAJOR=1, PATCH=3) == 0x010003
    with pytest.raises(ValueError, match="MINOR has 8 bits, 256 has more"):
        version.encode(MINOR=256)


@pytest.mark.skipif(shutil.which("g++") is None, reason="no C compiler")
def test_a_compiler_reads_the_header(tmp_path: Path) -> None:
    """Every offset and mask, as the preprocessor has them."""
    (tmp_path / "lod.h").write_text(c_header(MAP, "lod", COUNTERS))
    names = [f"LOD_{register.name}" for register in CONTROL] + ["LOD_COUNTER_WORDS", "LOD_STATUS_DONE_MASK"]
    source = '#include "lod.h"\n' + "".join(f"value {name}\n" for name in names)
    done = subprocess.run(
        ["g++", "-E", "-P", "-x", "c", "-I", tmp_path, "-"], input=source, capture_output=True, text=True, check=True
    )
    values = [int(number.rstrip("u"), 0) for number in re.findall(r"value (\S+)", done.stdout)]
    assert values == [register.offset for register in CONTROL] + [0x108, 2]


def read_rdl(text: str) -> dict[str, tuple[int, list[tuple[str, int, int]]]]:
    """Offset and fields of every register."""
    found = {}
    for body, name, offset in re.findall(r"  reg \{\n(.*?)\n  \} (\w+) @ 0x([0-9A-F]+);", text, re.DOTALL):
        fields = re.findall(r"^ +(\w+)\[(\d+):(\d+)\](?: = .*)?;$", body, re.MULTILINE)
        found[name] = (int(offset, 16), [(field, int(low), int(high)) for field, high, low in fields])
    return found


def test_the_rdl_has_every_register() -> None:
    text = system_rdl(MAP, "lod")
    assert text.count("{") == text.count("}")
    assert read_rdl(text) == {
        r.name: (r.offset, [(f.name, f.low, f.low + f.width - 1) for f in r.fields]) for r in MAP.registers
    }
    flags = [field for _, field in MAP.fields(Access.FLAG)]
    assert text.count("woclr; hwset;") == len(flags) == 2


def test_the_page_has_every_register_and_counter() -> None:
    page = register_page(MAP, "lod", COUNTERS)
    rows = [line for line in page.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in rows if "0x" in line and "`COUNTER" not in line}) <= 2
    for register in CONTROL:
        assert f"| 0x{register.offset:02X} | `{register.name}` |" in page
    assert "| 0x108 | `words` | words read |" in page
    assert isinstance(MAP, RegisterMap)
