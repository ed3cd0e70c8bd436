from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from golden.errors import InputError
from sim.estimate.embedded import FLIP_FLOP, GATE_UM2, GATES, liberty_text
from sim.estimate.liberty import Library, numbers, parse, read_library

UNITS = 'time_unit : "1ns"; capacitive_load_unit (1, pf); leakage_power_unit : "10pW"; nom_voltage : 1.2;'
INVERTER = """cell (INV) { area : 2.5; cell_leakage_power : 3;
  pin (A) { direction : input; capacitance : 0.002; }
  pin (Y) { direction : output; function : "A'";
    timing () { related_pin : "A"; cell_rise (t) { values ("1, 2", \\
      "3, 4"); } } } }"""


def library_of(path: Path, text: str) -> Library:
    path.write_text(f"/* a comment */ library (small) {{ {UNITS} {text} }}\n")
    return read_library([path])


def test_areas_functions_and_units(tmp_path: Path) -> None:
    """Every gate of the project's own table comes back, in µm², farads and watts."""
    (tmp_path / "own.lib").write_text(liberty_text())
    own = read_library([tmp_path / "own.lib"])
    for gate in GATES:
        cell = own.cells[f"{gate.name}_X1"]
        assert cell.area_um2 == pytest.approx(gate.equivalents * GATE_UM2, abs=1e-4)
        assert cell.pins["Y"].function == gate.function
        assert not cell.is_flip_flop
    assert own.cells["DFF_X1"].is_flip_flop
    assert own.cells["DFF_X1"].area_um2 == pytest.approx(FLIP_FLOP * GATE_UM2)
    assert (own.time_s, own.capacitance_f, own.voltage) == (1e-12, 1e-15, 1.1)

    cell = library_of(tmp_path / "a.lib", INVERTER).cells["INV"]
    assert cell.leakage_w == pytest.approx(3e-11)
    assert cell.pins["A"].capacitance_f == pytest.approx(2e-15)
    (timing,) = cell.pins["Y"].group.all("timing")
    (rise,) = timing.all("cell_rise")
    assert numbers(rise.attributes["values"]) == [1, 2, 3, 4]


def test_leakage_of_states_is_their_mean(tmp_path: Path) -> None:
    states = "cell (T) { area : 1; leakage_power () { value : 2; when : A; } leakage_power () { value : 4; } }"
    assert library_of(tmp_path / "a.lib", states).cells["T"].leakage_w == pytest.approx(3e-11)


def test_several_files_are_one_library(tmp_path: Path) -> None:
    library_of(tmp_path / "a.lib", INVERTER)
    text = f"library (b) {{ {UNITS} {INVERTER.replace('INV', 'NOT')} }}"
    (tmp_path / "b.lib.gz").write_bytes(gzip.compress(text.encode()))
    both = read_library([tmp_path / "a.lib", tmp_path / "b.lib.gz"])
    assert list(both.cells) == ["INV", "NOT"]
    assert both.name == "small"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"library (l) {{ {UNITS} {INVERTER[:60]}", r"line 2 in pin \(A\) in cell \(INV\) .*: the file is truncated"),
        (f"library (l) {{ {UNITS} {INVERTER} }} }}", "a group ends that has not begun"),
        (f"library (l) {{ {UNITS} {INVERTER.replace('area : 2.5;', '')} }}", "must have an area, INV has none"),
        (
            f"library (l) {{ {UNITS.replace('1ns', '1 fortnight')} {INVERTER} }}",
            "time_unit must be .* '1 fortnight'",
        ),
        (f"library (l) {{ {UNITS.replace('pf', 'oz')} {INVERTER} }}", "capacitive_load_unit must be .* it is '1, oz'"),
        (f"library (l) {{ {UNITS} }}", "a library has cells, this one has none"),
        ("cell (x) { area : 1; }", "holds one library, this one 0"),
        ("%PDF-1.4", "is no liberty statement"),
    ],
)
def test_what_is_no_library_is_refused_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "bad.lib").write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        read_library([tmp_path / "bad.lib"])
    assert "bad.lib" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_with_other_units_or_none_are_refused(tmp_path: Path) -> None:
    library_of(tmp_path / "a.lib", INVERTER)
    (tmp_path / "b.lib").write_text(f"library (b) {{ {UNITS.replace('1ns', '1ps')} {INVERTER} }}")
    with pytest.raises(InputError, match=r"b\.lib: files of one library share their units"):
        read_library([tmp_path / "a.lib", tmp_path / "b.lib"])
    with pytest.raises(InputError, match=r"none\.lib: No such file"):
        read_library([tmp_path / "none.lib"])
    (tmp_path / "c.lib.gz").write_bytes(gzip.compress(b"library (c) {}")[:-9])
    with pytest.raises(InputError, match=r"c\.lib\.gz: the \.gz file is truncated"):
        read_library([tmp_path / "c.lib.gz"])


def test_text_outside_a_statement_is_refused() -> None:
    with pytest.raises(InputError, match=r"x: line 2 in library \(l\): is no liberty statement"):
        parse("library (l) {\n ??? }", "x")
