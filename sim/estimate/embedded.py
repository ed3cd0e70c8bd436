"""The technology that is always there: a small table of gates at 45 nm, written as a liberty file.

Areas are gate equivalents, delays are logical effort: a textbook's technology, so that an estimate needs no file and no
licence. It is a yardstick for comparing designs; a library of a real process says more about silicon.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sim.estimate.liberty_head import liberty_head

NODE_NM = 45
VOLTAGE = 1.1

#: µm² of a two-input NAND. Source: gate density of 45 nm libraries, 1.2 million gates a mm² (a cell seven to ten tracks
#: high, four poly pitches wide); Nangate's NAND2_X1 is 0.798.
GATE_UM2 = 0.8
#: ps of logical effort's unit τ. Source: FO4 of 45 nm general-purpose processes, 15 to 20 ps; FO4 = τ·(1·4 + 1).
TAU_PS = 3.6
#: fF of the smallest inverter's input. Source: 1 fF a µm of gate width, 0.4 + 0.6 µm wide (ITRS 2007, 45 nm).
INPUT_FF = 1.0
#: nW of a gate equivalent. Source: 50 nA a µm of off-current (ITRS 2007, general purpose) at 1.1 V, of ¼ µm of width.
LEAKAGE_NW = 14.0
#: ps of a flip-flop: clock to output, unloaded, and set-up. Source: five and two FO4 (Stojanović and Oklobdžija, 1999).
CLOCK_TO_OUTPUT_PS, SETUP_PS = 70.0, 30.0


class Gate(NamedTuple):
    """A gate of the table."""

    name: str
    equivalents: float  #: areas of a two-input NAND
    effort: float  #: logical effort of an input
    parasitic: float  #: delay without load, in inverters'
    function: str  #: of the pins A, B, C


#: Efforts and parasitic delays: Sutherland, Sproull, Harris, "Logical Effort" (1999), tables 1.1 and 1.2, for two-level
#: gates the sum over both; areas: transistors over the NAND's four, as ratios of libraries at 45 and 65 nm have them.
GATES = (
    Gate("INV", 0.67, 1.0, 1.0, "!A"),
    Gate("BUF", 1.0, 1.0, 2.5, "A"),
    Gate("NAND2", 1.0, 4 / 3, 2.0, "!(A*B)"),
    Gate("NOR2", 1.0, 5 / 3, 2.0, "!(A+B)"),
    Gate("NAND3", 1.33, 5 / 3, 3.0, "!(A*B*C)"),
    Gate("NOR3", 1.33, 7 / 3, 3.0, "!(A+B+C)"),
    Gate("AND2", 1.33, 4 / 3, 4.0, "(A*B)"),
    Gate("OR2", 1.33, 5 / 3, 4.5, "(A+B)"),
    Gate("AOI21", 1.33, 2.0, 3.0, "!((A*B)+C)"),
    Gate("OAI21", 1.33, 2.0, 3.0, "!((A+B)*C)"),
    Gate("XOR2", 2.0, 4.0, 4.0, "(A^B)"),
    Gate("XNOR2", 2.0, 4.0, 4.0, "!(A^B)"),
    Gate("MUX2", 2.33, 2.0, 5.0, "((A*!C)+(B*C))"),
)
#: Drive strengths of inverter and buffer; other gates have one.
DRIVES = (1, 2, 4, 8)
#: Gate equivalents of a flip-flop. Source: 24 transistors with local clock buffers, 5.5 to 6 in libraries at 45 nm.
FLIP_FLOP = 5.67
_LOADS_FF = (0.5, 4.0, 16.0, 64.0)
_SETTINGS = f"""  slew_derate_from_library : 1;
  default_max_transition : 400;
  lu_table_template (by_load) {{
    variable_1 : input_net_transition; index_1 ("1, 400");
    variable_2 : total_output_net_capacitance; index_2 ("{", ".join(map(str, _LOADS_FF))}");
  }}
  lu_table_template (constraint) {{ variable_1 : related_pin_transition; index_1 ("1, 100"); }}"""


def liberty_text() -> str:
    """The table as a liberty file."""
    head = liberty_head("tessera_embedded_45nm", voltage=VOLTAGE, slew=(10, 90))
    cells: list[str] = []
    for gate in GATES:
        drives = DRIVES if gate.name in ("INV", "BUF") else DRIVES[:3]
        cells += [_cell(gate, drive) for drive in drives]
    return "\n".join([head, _SETTINGS, *cells, _flip_flop(), "}", ""])


def _cell(gate: Gate, drive: int) -> str:
    """A gate; twice the drive is twice the input's capacitance, and half the area more."""
    inputs = [pin for pin in "ABC" if pin in gate.function]
    area = gate.equivalents * GATE_UM2 * (1 + drive) / 2
    capacitance = gate.effort * INPUT_FF * drive if gate.name != "BUF" else INPUT_FF * max(drive / 3, 1)
    lines = [f"  cell ({gate.name}_X{drive}) {{", f"    area : {area:.4f};"]
    lines.append(f"    cell_leakage_power : {LEAKAGE_NW * gate.equivalents * drive:.3f};")
    lines += [f"    pin ({pin}) {{ direction : input; capacitance : {capacitance:.4f}; }}" for pin in inputs]
    lines.append(f'    pin (Y) {{ direction : output; function : "{gate.function}"; max_capacitance : {64 * drive};')
    sense = _sense(gate.function)
    for pin in inputs:
        lines.append(f'      timing () {{ related_pin : "{pin}"; timing_sense : {sense};')
        lines += [f"        {line}" for line in _delays(TAU_PS * gate.parasitic, drive)]
        lines.append("      }")
    return "\n".join([*lines, "    }", "  }"])


def _sense(function: str) -> str:
    if "^" in function or "!C" in function:
        return "non_unate"
    return "negative_unate" if function.startswith("!") else "positive_unate"


def _delays(unloaded_ps: float, drive: int) -> Iterator[str]:
    """Delay and slope over the load: τ a unit of load and of drive. Logical effort knows no slope of the input."""
    rises = [TAU_PS * load / (INPUT_FF * drive) for load in _LOADS_FF]
    delays = ", ".join(f"{unloaded_ps + rise:.3f}" for rise in rises)
    slopes = ", ".join(f"{TAU_PS + 2 * rise:.3f}" for rise in rises)
    for edge in ("rise", "fall"):
        yield f'cell_{edge} (by_load) {{ values ("{delays}", "{delays}"); }}'
        yield f'{edge}_transition (by_load) {{ values ("{slopes}", "{slopes}"); }}'


def _flip_flop() -> str:
    constraint = {"setup_rising": SETUP_PS, "hold_rising": 0.0}
    checks = [
        f"      timing () {{ related_pin : CK; timing_type : {kind}; "
        + " ".join(f'{edge}_constraint (constraint) {{ values ("{ps}, {ps}"); }}' for edge in ("rise", "fall"))
        + " }"
        for kind, ps in constraint.items()
    ]
    lines = [
        "  cell (DFF_X1) {",
        f"    area : {FLIP_FLOP * GATE_UM2:.4f};",
        f"    cell_leakage_power : {LEAKAGE_NW * FLIP_FLOP:.3f};",
        "    ff (IQ, IQN) { next_state : D; clocked_on : CK; }",
        f"    pin (CK) {{ direction : input; clock : true; capacitance : {INPUT_FF}; }}",
        f"    pin (D) {{ direction : input; capacitance : {INPUT_FF};",
        *checks,
        "    }",
        "    pin (Q) { direction : output; function : IQ; max_capacitance : 64;",
        "      timing () { related_pin : CK; timing_type : rising_edge; timing_sense : non_unate;",
        *(f"        {line}" for line in _delays(CLOCK_TO_OUTPUT_PS, 1)),
        "      }",
        "    }",
        "  }",
    ]
    return "\n".join(lines)
