from __future__ import annotations

from pathlib import Path

import pytest

from golden.errors import InputError
from sim.estimate.cell_models import cell_models
from sim.estimate.liberty import Library, read_library

TEXT = """library (small) {
  time_unit : "1ns"; capacitive_load_unit (1, ff); leakage_power_unit : "1nW"; nom_voltage : 1;
  cell (NAND) { area : 1;
    pin (A) { direction : input; } pin (B) { direction : input; }
    pin (Y) { direction : output; function : "(A & B)'"; } }
  cell (FF) { area : 4; ff (IQ, IQN) { next_state : "!D"; clocked_on : "!CK"; clear : "!RN"; preset : "S"; }
    pin (D) { direction : input; } pin (CK) { direction : input; } pin (RN) { direction : input; }
    pin (S) { direction : input; } pin (QN) { direction : output; function : "IQN"; } }
  cell (LATCH) { area : 3; latch (IQ, IQN) { data_in : "D"; enable : "G"; }
    pin (D) { direction : input; } pin (G) { direction : input; }
    pin (Q) { direction : output; function : "IQ"; } }
  cell (TRI) { area : 3; pin (A) { direction : input; } pin (E) { direction : input; }
    pin (Z) { direction : output; function : "A"; three_state : "!E"; } }
}
"""


@pytest.fixture
def library(tmp_path: Path) -> Library:
    path = tmp_path / "small.lib"
    path.write_text(TEXT)
    return read_library([path])


def test_gates_and_inverted_flip_flops(library: Library) -> None:
    assert cell_models(library, ["NAND", "FF"]) == (
        "module FF(input D, input CK, input RN, input S, output QN);\n"
        "  reg IQ;\n"
        "  wire IQN = ~IQ;\n"
        "  wire clocked_on_ = ~(CK);\n"
        "  wire clear_ = ~(RN);\n"
        "  wire preset_ = S;\n"
        "  always @(posedge clocked_on_ or posedge clear_ or posedge preset_)\n"
        "    if (clear_) IQ <= 1'b0; else\n"
        "    if (preset_) IQ <= 1'b1; else\n"
        "    IQ <= ~(D);\n"
        "  assign QN = IQN;\n"
        "endmodule\n"
        "\n"
        "module NAND(input A, input B, output Y);\n"
        "  assign Y = ~((A) & (B));\n"
        "endmodule\n"
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("LATCH", "cell LATCH: a replay has models of gates and flip-flops, this is a latch"),
        ("TRI", "cell TRI: a replay needs a function for each output, Z has none"),
        ("XOR", "the netlist has a cell XOR, the library none"),
    ],
)
def test_cells_without_a_model(library: Library, name: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        cell_models(library, [name])
