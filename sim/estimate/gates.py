"""A mapped module as structural Verilog: cells of the library, memories and modules below it, nothing else.

Written here and not by Yosys, so that every reader takes it: no attributes, no expressions, `assign` of single bits.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from golden.errors import InputError
from hw.keywords import KEYWORDS
from sim.estimate.memory_cell import Memory

Bit = int | str
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Netlist:
    """A module of cells."""

    verilog: str
    cells: Counter[str]  #: of the library, in this module itself
    memories: Counter[Memory]  #: in this module itself
    ports: dict[str, tuple[str, int]]  #: direction and width


def module_name(name: str) -> str:
    """What a module of a design is called in a netlist."""
    plain = re.sub(r"\W", "_", name)
    return f"{plain}_" if plain in KEYWORDS else plain


def identifier(name: str) -> str:
    """A name as Verilog takes it."""
    return name if _IDENTIFIER.fullmatch(name) and name not in KEYWORDS else f"\\{name} "


def netlist(name: str, module: Mapping[str, Any], cells: Collection[str], modules: Collection[str]) -> Netlist:
    """The module `name` of the JSON that Yosys wrote.

    Args:
        cells: names of the library's cells.
        modules: names of the modules below it.

    Raises:
        InputError: it has a cell that is neither a memory nor among `cells` and `modules`.
    """
    nets = _Nets(module["ports"])
    counted: Counter[str] = Counter()
    memories: Counter[Memory] = Counter()
    lines: list[str] = []
    named = _register_names(module)
    for number, (instance, cell) in enumerate(module["cells"].items()):
        kind, connections = cell["type"], cell["connections"]
        if kind in cells:
            counted[kind] += 1
            pins = ", ".join(f".{pin}({nets.bit(bits[0])})" for pin, bits in connections.items() if bits)
            lines.append(f"  {kind} {named.get(_driven(connections), f'u{number}')} ({pins});")
        elif kind == "$mem_v2":
            memory, pins = _memory(name, cell["parameters"], connections)
            memories[memory] += 1
            lines.append(f"  {memory.name} ram{number} ({nets.pins(pins)});")
        elif kind in modules:
            lines.append(f"  {module_name(kind)} {identifier(instance)} ({nets.pins(connections)});")
        else:
            raise InputError(f"{name}: a cell '{kind}' has no counterpart in the library, so nothing is estimated")
    ports = {port: (entry["direction"], len(entry["bits"])) for port, entry in module["ports"].items()}
    head = ", ".join(identifier(port) for port in ports)
    declared = [f"  {way} {_range(width)}{identifier(port)};" for port, (way, width) in ports.items()]
    wires = [f"  wire {net};" for net in nets.inner]
    text = [f"module {module_name(name)} ({head});", *declared, *wires, *lines, *nets.assigns(), "endmodule", ""]
    return Netlist("\n".join(text), counted, memories, ports)


class _Nets:
    """Names of bits: of a port where the bit is one, a number elsewhere."""

    def __init__(self, ports: Mapping[str, Any]) -> None:
        self.names: dict[Bit, str] = {"0": "1'b0", "1": "1'b1", "x": "1'b0", "z": "1'b0"}
        self.inner: dict[str, None] = {}
        self.outputs: list[tuple[str, Bit]] = []
        for way in ("input", "output"):
            for port, entry in ports.items():
                if entry["direction"] == way:
                    self._name_port(port, entry["bits"], way == "output")

    def _name_port(self, port: str, bits: list[Bit], is_output: bool) -> None:
        for k, bit in enumerate(bits):
            name = identifier(port) + (f"[{k}]" if len(bits) > 1 else "")
            if self.names.setdefault(bit, name) != name and is_output:
                self.outputs.append((name, bit))

    def bit(self, bit: Bit) -> str:
        if bit not in self.names:
            self.names[bit] = name = f"n{bit}"
            self.inner[name] = None
        return self.names[bit]

    def pins(self, connections: Mapping[str, list[Bit]]) -> str:
        """Connections of an instance whose ports have any width."""
        return ", ".join(f".{identifier(pin)}({self._bus(bits)})" for pin, bits in connections.items() if bits)

    def _bus(self, bits: list[Bit]) -> str:
        named = [self.bit(bit) for bit in reversed(bits)]
        return named[0] if len(named) == 1 else f"{{{', '.join(named)}}}"

    def assigns(self) -> Iterator[str]:
        """Outputs that are inputs, constants or other outputs as well."""
        return (f"  assign {name} = {self.names[bit]};" for name, bit in self.outputs)


def _range(width: int) -> str:
    return f"[{width - 1}:0] " if width > 1 else ""


def _driven(connections: Mapping[str, list[Bit]]) -> Bit | None:
    """The bit that a flip-flop drives; other cells have no pin of these names that is in `_register_names`."""
    return next((bits[0] for pin, bits in connections.items() if pin in ("Q", "QN", "Q_N") and bits), None)


def _register_names(module: Mapping[str, Any]) -> dict[Bit | None, str]:
    """For the flip-flops that drive a bit with a name in the source: that name, so that a path can be read."""
    named: dict[Bit | None, str] = {}
    used: set[str] = set()
    for net, entry in module["netnames"].items():
        if entry.get("hide_name") or "$" in net:
            continue
        for k, bit in enumerate(entry["bits"]):
            name = f"{re.sub(r'[^A-Za-z0-9_]', '_', net)}_{k}_reg"
            if bit not in named and name not in used:
                named[bit] = name
                used.add(name)
    return named


def _memory(module: str, parameters: Mapping[str, str], wires: Mapping[str, list[Bit]]):
    """The memory that a `$mem_v2` is, and its connections."""
    value = {key: int(text, 2) for key, text in parameters.items() if set(text) <= {"0", "1"}}
    reads, writes, width = value["RD_PORTS"], value["WR_PORTS"], value["WIDTH"]
    what = f"{module}: memory {parameters['MEMID']}"
    if value["RD_CLK_ENABLE"] != (1 << reads) - 1 or value["WR_CLK_ENABLE"] != (1 << writes) - 1:
        raise InputError(f"{what}: a memory that is a macro must have a clock at every port")
    if value.get("RD_TRANSPARENCY_MASK", 0):
        raise InputError(f"{what}: a macro gives the old word of a row that is written, this one must give the new one")
    if value.get("RD_WIDE_CONTINUATION", 0) or value.get("WR_WIDE_CONTINUATION", 0):
        raise InputError(f"{what}: a macro's ports have one width, this one's have several")
    clocks = {*wires["RD_CLK"], *wires["WR_CLK"]}
    resets = {*wires["RD_ARST"], *wires["RD_SRST"]} - {"0"}
    if len(clocks) != 1 or resets:
        raise InputError(f"{what}: a macro has one clock and no reset at its ports, this one has others")
    address = value["ABITS"]
    enables = [wires["WR_EN"][k * width : (k + 1) * width] for k in range(writes)]
    lanes = _lanes(enables, width)
    memory = Memory(width, value["SIZE"], reads, writes, lanes, value["OFFSET"])
    pins = {"clk": [clocks.pop()]}
    for k in range(reads):
        pins |= {
            f"r{k}_en": [wires["RD_EN"][k]],
            f"r{k}_addr": _fit(wires["RD_ADDR"][k * address : (k + 1) * address], memory.address_bits),
            f"r{k}_data": wires["RD_DATA"][k * width : (k + 1) * width],
        }
    for k in range(writes):
        pins |= {
            f"w{k}_en": enables[k][:: width // lanes],
            f"w{k}_addr": _fit(wires["WR_ADDR"][k * address : (k + 1) * address], memory.address_bits),
            f"w{k}_data": wires["WR_DATA"][k * width : (k + 1) * width],
        }
    return memory, pins


def _fit(address: list[Bit], bits: int) -> list[Bit]:
    return (address + ["0"] * bits)[:bits]


def _lanes(enables: list[list[Bit]], width: int) -> int:
    """Into how few equal parts a word falls that have one enable each, for all write ports."""
    for lanes in (n for n in range(1, width + 1) if width % n == 0):
        part = width // lanes
        if all(len(set(bits[k : k + part])) == 1 for bits in enables for k in range(0, width, part)):
            return lanes
    return width
