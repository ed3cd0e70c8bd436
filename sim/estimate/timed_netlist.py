"""What static timing reads of a unit: its netlist between flip-flops, with as much of what lies below as paths need.

As in `tessera synth` (`hw.lib.port_registers`) a flip-flop stands before every input and behind every output, but for
clock and reset, so that every path of the unit is one from clock edge to clock edge.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from sim.estimate.gates import identifier, module_name
from sim.estimate.liberty import Cell
from sim.estimate.mapping import MappedUnit
from sim.estimate.technology import Technology

#: Of equal units in a module, so many are timed whole; the others load their inputs and drive nothing.
WHOLE = 2
#: Ports that no flip-flop stands before.
UNREGISTERED = ("clk", "rst")
SUFFIX = "__timed"
_LOAD = "__load"


def trimmed(unit: MappedUnit) -> str:
    """The unit's Verilog, in which all but `WHOLE` of equal units below are replaced by their loads."""
    names = {module_name(child) for child, count in unit.children.items() if count > WHOLE}
    text = unit.verilog.read_text()
    if not names:
        return text
    seen: Counter[str] = Counter()

    def replaced(found: re.Match[str]) -> str:
        seen[found[1]] += 1
        return f"  {found[1]}{_LOAD if seen[found[1]] > WHOLE else ''} "

    return re.sub(rf"^  ({'|'.join(map(re.escape, names))}) ", replaced, text, flags=re.M)


def load(unit: MappedUnit, technology: Technology) -> str:
    """A module that stands for the unit where it is one of many: a buffer's input at every bit of its inputs."""
    buffer = technology.buffer
    (pin,) = (pin.name for pin in buffer.pins.values() if pin.direction == "input")
    lines = [
        f"  {buffer.name} b{number} (.{pin}({bit}));"
        for number, bit in enumerate(bit for port, way, bit in _bits(unit.ports) if way == "input" and port != "clk")
    ]
    return "\n".join([*_head(module_name(unit.name) + _LOAD, unit.ports), *lines, "endmodule", ""])


def between_registers(unit: MappedUnit, technology: Technology) -> str:
    """A module with the unit and its flip-flops."""
    name = module_name(unit.name)
    ports = {"clk": ("input", 1), "rst": ("input", 1), **unit.ports}
    lines: list[str] = []
    for number, (port, way, outside) in enumerate(_bits(unit.ports)):
        if port not in UNREGISTERED:
            inside = f"w{number}"
            source, sink = (outside, inside) if way == "input" else (inside, outside)
            lines += [f"  wire {inside};", f"  {_flip_flop(technology.flip_flop, f'port{number}', source, sink)}"]
    pins = ", ".join(f".{identifier(port)}({wires})" for port, wires in _inside(unit.ports).items())
    return "\n".join([*_head(name + SUFFIX, ports), *lines, f"  {name} unit ({pins});", "endmodule", ""])


def _inside(ports: Mapping[str, tuple[str, int]]) -> dict[str, str]:
    """What the unit's ports are connected to, the highest bit first."""
    wires: dict[str, list[str]] = {}
    for number, (port, _, outside) in enumerate(_bits(ports)):
        wires.setdefault(port, []).append(outside if port in UNREGISTERED else f"w{number}")
    return {port: f"{{{', '.join(reversed(bits))}}}" if len(bits) > 1 else bits[0] for port, bits in wires.items()}


def _bits(ports: Mapping[str, tuple[str, int]]) -> Iterator[tuple[str, str, str]]:
    """Port, direction and name of every bit."""
    for port, (way, width) in ports.items():
        for k in range(width):
            yield port, way, identifier(port) + (f"[{k}]" if width > 1 else "")


def _head(name: str, ports: Mapping[str, tuple[str, int]]) -> list[str]:
    declared = [
        f"  {way} {f'[{width - 1}:0] ' if width > 1 else ''}{identifier(port)};" for port, (way, width) in ports.items()
    ]
    return [f"module {name} ({', '.join(map(identifier, ports))});", *declared]


def _flip_flop(cell: Cell, name: str, source: str, sink: str) -> str:
    """An instance with its other inputs at rest."""
    (state,) = cell.group.all("ff")
    pins = {state.attributes["next_state"].strip("!() "): source, state.attributes["clocked_on"]: "clk"}
    for reset in ("clear", "preset"):
        if function := state.attributes.get(reset):
            active_low = "!" in function or "'" in function
            pins[function.strip("!()' ")] = "1'b1" if active_low else "1'b0"
    pins[cell.outputs[0].name] = sink
    return f"{cell.name} {name} ({', '.join(f'.{pin}({net})' for pin, net in pins.items())});"
