"""Tidied and named, a design still does the same, under names that the source gives."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Elaboratable, Module, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hw.generate import Generated, generate
from hw.lib.queue import StreamQueue
from hw.lib.stream import connect
from hw.yosys import YosysError, run_yosys
from tests.hw.lib.test_shared import Top

RECORD = data.StructLayout({"first": 4, "second": signed(4)})


class Arithmetic(wiring.Component):
    """What the passes change: copies, cut sums, fields, quotients and remainders, shifts, comparisons with zero."""

    def __init__(self) -> None:
        outputs = {
            "cut": Out(4),
            "divided": Out(signed(6)),
            "rest": Out(4),
            "some": Out(1),
            "total": Out(6),
            "mixed": Out(8),
        }
        super().__init__({"i": In(RECORD), "other": In(signed(4)), "wide": In(8), **outputs})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        kept, unread, copy = Signal(6), Signal(4), Signal(6)
        m.d.sync += kept.eq(kept + self.i.first)
        m.d.comb += [
            copy.eq(kept),
            unread.eq(kept + 1),
            self.total.eq(copy - self.i.second),
            self.cut.eq((self.wide + 5) >> self.i.first[:2]),
            self.divided.eq(self.i.second // 2 + self.i.first // 4),
            self.rest.eq(self.i.second % 4 + self.wide % 1 + self.i.first // 3),
            self.mixed.eq((self.i.second % 32) ^ (self.i.second.as_unsigned() + self.other.as_unsigned())),
            self.some.eq((self.wide == 0) ^ (self.i.first != 0)),
        ]
        return m


class Parts(wiring.Component):
    """Names that meet, and a memory."""

    def __init__(self, depth: int = 4) -> None:
        self.depth = depth
        super().__init__({"i": In(RECORD), "begin": In(1), "o": Out(8)})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.near = near = StreamQueue(shape=RECORD, depth=self.depth)
        m.submodules.far = far = StreamQueue(shape=RECORD, depth=2)
        m.submodules.store = store = Memory(shape=4, depth=4, init=[1, 2, 3])
        write, read = store.write_port(), store.read_port()
        connect(m, near.o, far.i)
        total = Signal(4)
        m.d.sync += total.eq(total + self.i.first)
        m.d.comb += [
            near.i.payload.eq(self.i), near.i.valid.eq(self.begin), far.o.ready.eq(total[0]),
            write.addr.eq(total), write.data.eq(self.i.first), write.en.eq(self.begin),
            read.addr.eq(self.i.first), read.en.eq(1),
            self.o.eq(far.o.payload.first * 3 + read.data),
        ]  # fmt: skip
        return m


def names(design: Generated) -> set[str]:
    """Of every signal, memory and instance, with its module's."""
    found: set[str] = set()
    for module, body in re.findall(r"^module (\w+)\((.*?)^endmodule", design.verilog, re.DOTALL | re.MULTILINE):
        text = re.sub(r"\b(input|output|wire|reg|signed) |\[\d+:0\] ", "", body)
        found |= {f"{module}.{name}" for name in re.findall(r"^  (?:\w+ )?(\w+)(?:,|;| \(| \[)?", text, re.MULTILINE)}
    return found


def prove(design: Generated, folder: Path) -> None:
    """Yosys finds by induction that the Verilog and Amaranth's own netlist have the same outputs."""
    before, after = folder / "before.il", folder / "after.v"
    before.write_text(design.rtlil)
    after.write_text(design.verilog)
    run_yosys(
        [
            f"read_rtlil {before}",
            "proc",
            f"flatten {design.name}",
            f"rename {design.name} before",
            "delete before %n",
            f"read_verilog -sv {after}",
            "proc",
            f"flatten {design.name}",
            "memory",
            "setundef -undriven -init -zero",
            f"miter -equiv -make_assert -flatten before {design.name} miter",
            "hierarchy -top miter",
            "opt -full",
            "sat -verify -prove-asserts -tempinduct -seq 1 -maxsteps 12 miter",
        ]
    )


@pytest.mark.parametrize("make", [Arithmetic, Top])
def test_the_verilog_does_what_the_netlist_does(make: Any, tmp_path: Path) -> None:
    prove(generate(make(), "top"), tmp_path)


def test_the_proof_finds_a_difference(tmp_path: Path) -> None:
    design = generate(Top(), "top")
    changed = re.sub(r"(assign \w+ = \w+) \+ ", r"\1 - ", design.verilog, count=1)
    assert changed != design.verilog
    with pytest.raises(YosysError):
        prove(Generated(**{**vars(design), "verilog": changed}), tmp_path)


def test_names_are_the_sources(tmp_path: Path) -> None:
    """What two parts have both is called after the part; bits of a record are read by their field's name."""
    design = generate(Parts(), "top")
    expected = {
        "top.total", "top.total_next", "top.far__o__payload", "top.near__o__valid", "top.near",
        "top.far__o__payload__first", "top.i__first", "top.store", "top__near.level",
    }  # fmt: skip
    assert expected - names(design) == set()
    assert re.search(r"= total \+ i__first;", design.verilog)


def test_names_survive_a_deeper_queue() -> None:
    """Only what the depth itself needs is added."""
    shallow, deep = (names(generate(Parts(depth), "top")) for depth in (4, 8))
    assert shallow == deep
    assert len(shallow) > 60
