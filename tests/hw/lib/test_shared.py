from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import pytest
from amaranth.back import rtlil
from amaranth.hdl import Elaboratable, Module
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from hw.lib.shared import ModuleLibrary, add_with_reset, convert, repeat
from hw.lib.tree import add_all
from hw.yosys import run_yosys

PAIR = data.StructLayout({"a": 4, "b": 4})


class Lane(wiring.Component):
    """o = a + b + gain, one cycle later; every kind of port."""

    def __init__(self, gain: int = 1) -> None:
        self.gain = gain
        tap = wiring.Signature({"in": In(2), "out": Out(2)})
        super().__init__({"i": In(PAIR), "o": Out(6), "taps": Out(tap).array(2)})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.d.sync += self.o.eq(self.i.a + self.i.b + self.gain)
        for tap in self.taps:
            m.d.comb += tap.out.eq(getattr(tap, "in") ^ self.o[:2])
        return m


class Group(wiring.Component):
    """Lanes in a repeated unit: o is the sum of `lanes` of them."""

    def __init__(self, *, lanes: int = 3, gain: int = 1) -> None:
        self.lanes, self.gain = lanes, gain
        super().__init__({"i": In(PAIR), "o": Out(12)})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        lanes = repeat(m, platform, "lane", self.lanes, lambda: Lane(self.gain))
        for k, lane in enumerate(lanes):
            m.d.comb += [lane.i.a.eq(self.i.a ^ k), lane.i.b.eq(self.i.b)]
            m.d.comb += getattr(lane.taps[1], "in").eq(k)
        m.d.sync += self.o.eq(add_all([lane.o + lane.taps[1].out for lane in lanes]))
        return m


class Top(wiring.Component):
    """Groups of lanes of gain 1, one of gain 2 under the same names, and lanes of its own."""

    def __init__(self) -> None:
        super().__init__({"i": In(PAIR), "o": Out(16)})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        groups = repeat(m, platform, "group", 2, Group)
        m.submodules.other = other = Group(gain=2)
        lanes = repeat(m, platform, "lane", 4, Lane)
        for unit in (*groups, other, *lanes):
            m.d.comb += [unit.i.a.eq(self.i.a), unit.i.b.eq(self.i.b)]
        m.d.comb += self.o.eq(add_all([unit.o for unit in (*groups, other, *lanes)]))
        return m


def converted(component: wiring.Component) -> tuple[str, ModuleLibrary]:
    library = ModuleLibrary()
    return convert(component, "top", library), library


def read_back(folder: Path, top: str, library: ModuleLibrary) -> list[str]:
    """Yosys commands that read a converted design."""
    commands: list[str] = []
    for name, text in {"top": top, **library.modules}.items():
        path = folder / f"{name}.il"
        path.write_text(text)
        commands.append(f"read_rtlil {path}")
    return [*commands, "hierarchy -check -top top"]


def test_each_unit_is_emitted_once(tmp_path: Path) -> None:
    top, library = converted(Top())
    assert sorted(library.modules) == ["group", "lane", "lane_2"]
    verilog = tmp_path / "top.v"
    run_yosys([*read_back(tmp_path, top, library), "proc", f"write_verilog -noattr {verilog}"])
    text = verilog.read_text()
    modules = [line.split("(")[0].split()[-1] for line in text.splitlines() if line.startswith("module ")]
    assert sorted(modules) == ["\\top.other", "group", "lane", "lane_2", "top"]
    assert text.count("  lane lane_") == 3 + 4
    assert text.count("  lane_2 lane_") == 3


def test_one_unit_or_sixty_four_is_one_module() -> None:
    for lanes in (1, 64):
        top, library = converted(Group(lanes=lanes))
        assert list(library.modules) == ["lane"]
        assert top.count("cell \\lane ") == lanes
        assert library.modules["lane"].count("module \\") == 1


def test_the_design_has_one_top() -> None:
    top, library = converted(Top())
    assert "attribute \\top" in top
    assert not any("attribute \\top" in text for text in library.modules.values())


def test_text_is_the_same_every_time() -> None:
    top, library = converted(Top())
    again, library_again = converted(Top())
    assert (top, library.modules) == (again, library_again.modules)
    assert str(Path(__file__).parent) not in top + "".join(library.modules.values())


def test_equal_units_made_in_two_places_are_one() -> None:
    library = ModuleLibrary()
    assert library.add("lane", lambda: Lane(1)) == "lane"
    assert library.add("lane", lambda: Lane(gain=1)) == "lane"
    assert library.add("lane", lambda: Lane(5)) == "lane_2"
    assert library.add("lane", lambda: Lane(5)) == "lane_2"


def test_converted_equals_inline(tmp_path: Path) -> None:
    """Yosys proves by induction that shared modules and submodules behave alike."""
    inline = tmp_path / "inline.il"
    inline.write_text(rtlil.convert(Top(), name="inline", emit_src=False))
    top, library = converted(Top())
    equivalence = [
        f"read_rtlil {inline}",
        "proc",
        "flatten top inline",
        "miter -equiv -make_assert -flatten inline top miter",
        "hierarchy -top miter",
        "sat -verify -prove-asserts -tempinduct -seq 1 -maxsteps 8 miter",
    ]
    run_yosys([*read_back(tmp_path, top, library), *equivalence])


def test_in_the_simulator() -> None:
    dut = Group(lanes=3)

    async def run(ctx: Any) -> None:
        ctx.set(dut.i, {"a": 5, "b": 9})
        await ctx.tick()
        await ctx.tick()
        lanes = [(5 ^ k) + 9 + 1 for k in range(3)]
        assert ctx.get(dut.o) == sum(lane + ((lane ^ k) & 3) for k, lane in enumerate(lanes))

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(run)
    simulator.run()


@pytest.mark.filterwarnings("error")
def test_no_component_counts_as_unused() -> None:
    converted(Top())
    gc.collect()


class Ended(wiring.Component):
    """A group with a reset of its own."""

    def __init__(self) -> None:
        super().__init__({"i": In(PAIR), "o": Out(12), "ends": In(1)})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        group = Group(lanes=2)
        add_with_reset(m, platform, "group", group, self.ends)
        m.d.comb += [group.i.eq(self.i), self.o.eq(group.o)]
        return m


def test_a_reset_of_its_own() -> None:
    """It reaches every register below, shared units' too, in the simulator and as a module with a reset port."""
    got: list[int] = []
    dut = Ended()

    async def run(ctx: Any) -> None:
        ctx.set(dut.i, {"a": 1, "b": 2})
        for ends in (0, 0, 1, 0):
            ctx.set(dut.ends, ends)
            got.append((await ctx.tick().sample(dut.o))[2])
        got.append(ctx.get(dut.o))

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(run)
    simulator.run()
    library = ModuleLibrary()
    convert(Ended(), "ended", library)
    assert set(library.modules) == {"group", "lane"}
    before, ended = got[2], got[3]
    assert before > 0
    assert ended == 0
