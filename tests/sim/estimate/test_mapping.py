from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from golden.errors import InputError
from sim.estimate import mapping
from sim.estimate.gates import netlist
from sim.estimate.hierarchy import MACRO, MACRO_DEPTH, split
from sim.estimate.mapping import Mapped, MappedUnit, cell_area, map_block
from sim.estimate.memory_cell import Memory, behaviour
from sim.estimate.technology import Technology, from_files, named
from tests.sim.estimate.designs import Bank, Latest, Product, Register, rtlil

needs_icarus = pytest.mark.skipif(
    shutil.which("iverilog") is None, reason="the program 'iverilog' is not installed (Debian package iverilog)"
)
RAM = Memory(16, 64, 1, 1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mapped")


@pytest.fixture(scope="module")
def bank(folder: Path) -> Mapped:
    return map_block(rtlil(Bank(), "bank"), "bank", named("embedded"), folder)


def test_a_repeated_unit_is_mapped_once_and_counted_twice(bank: Mapped) -> None:
    assert list(bank.units) == ["product", "bank"]
    assert bank.counts == Counter({"bank": 1, "product": 2})
    product, top = bank.units.values()
    assert bank.cells == product.cells + product.cells + top.cells
    assert bank.area_um2 == pytest.approx(
        2 * cell_area(product.cells, bank.technology) + cell_area(top.cells, bank.technology)
    )
    assert product.cells["DFF_X1"] == 32
    assert product.abc_ps > 300


def test_counts_go_down_the_tree() -> None:
    """Two of a in the top, three of b in a and one in the top: seven of b."""

    def unit(name: str, **children: int) -> MappedUnit:
        return MappedUnit(
            name=name,
            verilog=Path(),
            cells=Counter(),
            memories=Counter(),
            children=Counter(children),
            ports={},
            abc_ps=0,
        )

    units = {one.name: one for one in (unit("b"), unit("a", b=3), unit("top", a=2, b=1))}
    mapped = Mapped(
        name="top", technology=named("embedded"), netlist=Path(), cells=Counter(), memories=[], area_um2=0, units=units
    )
    assert mapped.counts == Counter({"top": 1, "a": 2, "b": 7})


def test_large_memories_stay_and_small_ones_become_flip_flops(bank: Mapped) -> None:
    assert bank.memories == [RAM]
    assert bank.units["bank"].cells["DFF_X1"] == 4 * 4 + 16
    assert RAM.name == "ram_64x16_1r1w"


def test_the_parts_add_up_to_the_flat_design(bank: Mapped, folder: Path) -> None:
    """Mapped as one module, without borders: within 10 %, as docs/estimate.md promises."""
    flat = map_block(rtlil(Bank(products=2), "bank"), "bank", named("embedded"), folder, flat=True)
    assert list(flat.units) == ["bank"]
    assert bank.area_um2 == pytest.approx(flat.area_um2, rel=0.1)


def test_what_is_kept_is_not_mapped_again(bank: Mapped, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> str:
        raise AssertionError("Yosys runs again")

    monkeypatch.setattr(mapping, "run_yosys", fail)
    again = map_block(rtlil(Bank(), "bank"), "bank", named("embedded"), folder)
    assert (again.netlist, again.cells, again.memories) == (bank.netlist, bank.cells, bank.memories)
    with pytest.raises(AssertionError, match="Yosys runs again"):
        map_block(rtlil(Product(17), "bank"), "bank", named("embedded"), folder)


def test_two_processes_may_map_the_same_into_one_folder(tmp_path: Path) -> None:
    """Both find whole files or none, and what both write is the same."""
    text = rtlil(Bank(), "bank")
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        jobs = [pool.submit(map_block, text, "bank", named("embedded"), tmp_path) for _ in range(2)]
        first, second = (job.result() for job in jobs)
    assert (first.netlist, first.cells, first.memories) == (second.netlist, second.cells, second.memories)
    # Two units of Verilog and facts, and the whole: nothing unfinished is left.
    assert Counter(path.suffix for path in tmp_path.iterdir()) == Counter({".v": 3, ".json": 2})


BENCH = """module bench;
  reg clk = 0, edge_ = 0; reg [4:0] address = 0; reg [15:0] data = 0; wire [63:0] o;
  bank dut (.clk(clk), .rst(1'b0), .address(address), .data(data), .\\edge (edge_), .o(o));
  always #5 clk = ~clk;
  integer k;
  initial begin
    for (k = 0; k < 32; k = k + 1) begin
      @(negedge clk); address = k; data = k * 2077 + 5; edge_ = 1;
    end
    @(negedge clk); edge_ = 0; address = 6;
    repeat (4) @(negedge clk);
    $display("%0d", o);
  end
  initial #2000 $finish;
endmodule
"""


@needs_icarus
def test_the_netlist_computes_what_the_design_does(bank: Mapped, tmp_path: Path) -> None:
    """Simulated with cells written by hand: row 7 plus the small memory's row 1, times the last word."""
    row, small, last = 7 * 2077 + 5, (29 * 2077 + 5) & 15, 31 * 2077 + 5
    held = (row + small) & 0xFFFF
    (printed,) = simulated(bank, RAM, BENCH, tmp_path)
    assert printed == held * ((last + 1) & 0xFFFF) << 32 | held * (last & 0xFFFF)


LATEST_BENCH = """module bench;
  reg clk = 0, lower = 0; reg [5:0] row = 3; reg [15:0] data = 16'h1234; wire [15:0] o;
  latest dut (.clk(clk), .rst(1'b0), .row(row), .data(data), .lower(lower), .o(o));
  always #5 clk = ~clk;
  initial begin
    @(negedge clk); $display("%0d", o); lower = 1; data = 16'habcd;
    @(negedge clk); $display("%0d", o); data = 16'h5566;
    @(negedge clk); $display("%0d", o);
    $finish;
  end
endmodule
"""


@needs_icarus
def test_a_memory_that_gives_new_words_is_one_that_gives_old_ones_and_a_bypass(tmp_path: Path) -> None:
    """The first word comes whole in the cycle in which it is written, then its lower half alone is replaced, twice."""
    latest = map_block(rtlil(Latest(), "latest"), "latest", named("embedded"), tmp_path)
    (ram,) = latest.memories
    assert (ram.lanes, latest.cells["DFF_X1"]) == (2, 16 + 1)  # the lower half is always written
    assert simulated(latest, ram, LATEST_BENCH, tmp_path) == [0x1234, 0x12CD, 0x1266]


def simulated(mapped: Mapped, memory: Memory, bench: str, folder: Path) -> list[int]:
    """What the bench prints of a netlist of the embedded technology."""
    cells = "\n".join(_verilog(kind, mapped.technology) for kind in mapped.cells)
    (folder / "all.v").write_text(mapped.netlist.read_text() + behaviour(memory) + bench + cells)
    command = ["iverilog", "-g2005", "-o", str(folder / "bench"), "-s", "bench", str(folder / "all.v")]
    subprocess.run(command, check=True)
    done = subprocess.run(["vvp", "-N", str(folder / "bench")], capture_output=True, text=True, check=True)
    return [int(line) for line in done.stdout.splitlines() if line.strip().isdigit()]


def _verilog(kind: str, technology: Technology) -> str:
    cell = technology.library.cells[kind]
    pins = ", ".join(f"{pin.direction} {pin.name}" for pin in cell.pins.values())
    if cell.is_flip_flop:
        return f"module {kind}(input CK, input D, output reg Q); always @(posedge CK) Q <= D; endmodule"
    function = cell.pins["Y"].function.replace("!", "~").replace("*", "&").replace("+", "|")
    return f"module {kind}({pins}); assign Y = {function}; endmodule"


def test_small_modules_are_dissolved() -> None:
    """A module below the weight goes into the one above; the unit's text holds it."""
    units = split(rtlil(Bank(width=4), "bank"), "bank")
    assert list(units) == ["bank"]
    assert "module \\product" in units["bank"].rtlil


@pytest.mark.parametrize(
    ("depth", "width", "clocked", "macro"),
    [(64, 16, True, True), (64, 16, False, False), (MACRO_DEPTH - 1, 128, True, False), (16, 31, True, False)],
)
def test_which_memories_become_macros(depth: int, width: int, clocked: bool, macro: bool) -> None:
    """Those of enough rows and bits that are read at a clock's edge."""
    (unit,) = split(rtlil(Register(depth=depth, width=width, clocked=clocked), "file"), "file").values()
    assert (MACRO in unit.rtlil) == macro


def test_nothing_is_silently_unmapped() -> None:
    module = {"ports": {}, "netnames": {}, "cells": {"x": {"type": "$_DLATCH_P_", "connections": {}}}}
    with pytest.raises(InputError, match=r"bank: a cell '\$_DLATCH_P_' has no counterpart in the library"):
        netlist("bank", module, (), ())


def test_a_library_without_flip_flops_is_refused(tmp_path: Path) -> None:
    text = named("embedded").liberty[0].read_text()
    (tmp_path / "gates.lib").write_text(text[: text.index("  cell (DFF")] + "}\n")
    bare = from_files([tmp_path / "gates.lib"], name="gates", node_nm=45, period_ps=1000)
    with pytest.raises(InputError, match=r"gates\.lib: a library to map to must have a flip-flop"):
        map_block(rtlil(Product(4), "product"), "product", bare, tmp_path)


def test_a_technology_without_its_files_says_where_they_belong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TESSERA_DATA", str(tmp_path))
    with pytest.raises(InputError, match=r"asap7: no liberty file in .*; set TESSERA_DATA"):
        named("asap7")
    with pytest.raises(InputError, match="--technology must be one of embedded, nangate45"):
        named("tsmc3")


@pytest.mark.parametrize("name", ["nangate45", "sky130", "ihp", "asap7"])
def test_real_libraries(real_data: Path, folder: Path, name: str) -> None:
    """Each maps a multiplier to its own gates and flip-flops."""
    technology = named(name)
    mapped = map_block(rtlil(Product(6), "product"), "product", technology, folder)
    cells = technology.library.cells
    assert sum(number for kind, number in mapped.cells.items() if cells[kind].is_flip_flop) == 12
    assert set(mapped.cells) <= set(technology.usable)
