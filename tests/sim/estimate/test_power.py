from __future__ import annotations

from pathlib import Path

import pytest

from golden.errors import InputError
from sim.estimate.activity import Port
from sim.estimate.liberty import Library, read_library
from sim.estimate.nets import Gate, Gates
from sim.estimate.power import gate_energy
from sim.estimate.power_tables import PowerTables
from sim.estimate.replay import Replayed
from sim.estimate.technology import named

TEXT = """library (small) {
  time_unit : "1ns"; capacitive_load_unit (1, ff); leakage_power_unit : "1nW"; nom_voltage : 2;
  power_lut_template (both) { variable_1 : input_transition_time; variable_2 : total_output_net_capacitance;
    index_1 ("0, 1, 2"); index_2 ("0, 4"); }
  lu_table_template (slope) { index_1 ("0, 1, 2"); index_2 ("0, 4"); }
  cell (INV) { area : 1; cell_leakage_power : 3; pg_pin (VSS) { pg_type : primary_ground; }
    pin (A) { direction : input; capacitance : 2; internal_power () {
      rise_power (scalar) { values ("0.5"); } fall_power (scalar) { values ("0.25"); } } }
    pin (Y) { direction : output; function : "!A";
      timing () { rise_transition (slope) { values ("1, 1", "1, 1", "1, 1"); } }
      internal_power () { related_pin : "A";
        rise_power (both) { values ("10, 20", "30, 40", "50, 60"); } fall_power (scalar) { values ("7"); } }
      internal_power () { related_pin : "A"; related_pg_pin : VSS;
        rise_power (scalar) { values ("999"); } fall_power (scalar) { values ("999"); } } } }
  cell (FF) { area : 4; cell_leakage_power : 5; ff (IQ, IQN) { next_state : "D"; clocked_on : "CK"; }
    pin (D) { direction : input; capacitance : 1; }
    pin (CK) { direction : input; capacitance : 3;
      internal_power () { when : "D & Q | !D & !Q"; rise_power (scalar) { values ("1"); }
        fall_power (scalar) { values ("2"); } }
      internal_power () { when : "D ^ Q"; rise_power (scalar) { values ("0"); }
        fall_power (scalar) { values ("6"); } } }
    pin (Q) { direction : output; function : "IQ"; internal_power () { related_pin : "CK";
      rise_power (scalar) { values ("11"); } fall_power (scalar) { values ("13"); } } } }
}
"""
FEMTO = 1e-15


@pytest.fixture
def library(tmp_path: Path) -> Library:
    path = tmp_path / "small.lib"
    path.write_text(TEXT)
    return read_library([path])


def test_a_table_is_straight_between_its_samples_and_flat_beyond(library: Library) -> None:
    edges = PowerTables(library).edges(library.cells["INV"], "Y")
    assert edges.rise(1, 0) == pytest.approx(30 * FEMTO, abs=0)
    assert edges.rise(0.5, 1) == pytest.approx(22.5 * FEMTO, abs=0)
    assert edges.rise(9, 9) == pytest.approx(60 * FEMTO, abs=0)
    assert edges.fall(1, 1) == pytest.approx(7 * FEMTO, abs=0)


def test_a_clock_pays_by_whether_the_state_changes(library: Library) -> None:
    tables, cell = PowerTables(library), library.cells["FF"]
    assert tables.clock(cell, "CK", 0.0) == pytest.approx((1 * FEMTO, 2 * FEMTO), abs=0)
    assert tables.clock(cell, "CK", 1.0) == pytest.approx((0.0, 6 * FEMTO), abs=0)
    assert tables.clock(cell, "CK", 0.25) == pytest.approx((0.75 * FEMTO, 3 * FEMTO), abs=0)


def test_energy_of_a_flip_flop_and_an_inverter(library: Library) -> None:
    """By hand: net 2 from the inverter to the flip-flop changes 4 times, net 3 behind it 2 times."""
    gates = Gates(
        clock=9,
        ports={Port("a", 1, False): (1,), Port("q", 1, True): (3,)},
        gates=(
            Gate(kind="INV", pins={"A": (1,), "Y": (2,)}),
            Gate(kind="FF", pins={"D": (2,), "CK": (9,), "Q": (3,)}),
        ),
        children=(),
    )
    replayed = Replayed(
        cycles=8, words=8, unknown=0, rises={1: 2, 2: 2, 3: 1}, falls={1: 2, 2: 2, 3: 1}, accesses={}
    )  # fmt: skip
    found = gate_energy(gates, PowerTables(library), replayed)
    half = 0.5 * 2.0**2 * FEMTO
    assert found.switching_j == pytest.approx(half * (4 * 2 + 4 * 1), abs=0)
    # The inverter at slope 1 and load 1: 32.5 a rise, 7 a fall; its input is seen at its output every time.
    assert found.internal_j == pytest.approx((2 * 32.5 + 2 * 7 + 11 + 13) * FEMTO, abs=0)
    assert found.clock_j == pytest.approx(8 * (0.75 * 3 + 0.25 * 6) * FEMTO + 2 * half * 3 * 8, abs=0)
    assert found.leakage_w == pytest.approx(8e-9, abs=0)
    assert found.total_j(1e-9) == pytest.approx(found.dynamic_j + 8e-18, abs=0)


def test_a_library_without_power_tables() -> None:
    with pytest.raises(InputError, match="a library with tables of internal_power, this one has none"):
        PowerTables(named("embedded").library)
