"""A unit's netlist as gates and nets, read from the structural Verilog that mapping writes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from sim.estimate.activity import CLOCK, Port

#: A net's number, or the constant bit `0` or `1`.
Net = int | str

_NAME = r"\\\S+ |\w+"
_DECLARED = re.compile(rf"  (input|output) (?:\[(\d+):0\] )?({_NAME});")
_ASSIGNED = re.compile(rf"  assign ((?:{_NAME})(?:\[\d+\])?) = (.+);")
_INSTANCE = re.compile(rf"  ({_NAME}) ({_NAME}) \((.*)\);")
_PIN = re.compile(rf"\.({_NAME})\((\{{[^}}]*\}}|[^(){{}}]*)\)")


@dataclass(frozen=True, kw_only=True)
class Gate:
    """A cell of the library, or a memory."""

    kind: str
    pins: Mapping[str, tuple[Net, ...]]  #: the highest bit first


@dataclass(frozen=True, kw_only=True)
class Child:
    """A unit in a unit."""

    kind: str
    name: str  #: its place in the trace below the unit that holds it, scopes joined by dots
    pins: Mapping[str, tuple[Net, ...]]


@dataclass(frozen=True, kw_only=True)
class Gates:
    """A unit's netlist, the units in it taken out: what they drive is an input, what they read an output."""

    clock: Net | None  #: None where nothing is clocked
    ports: Mapping[Port, tuple[Net, ...]]  #: without clocks; nets with the highest bit first
    gates: tuple[Gate, ...]
    children: tuple[Child, ...]

    @property
    def kinds(self) -> Counter[str]:
        """How often each cell stands."""
        return Counter(gate.kind for gate in self.gates)

    def nets(self, *, output: bool) -> list[Net]:
        """Of all inputs or all outputs, in the order of a line of words."""
        return [net for port, nets in self.ports.items() if port.output == output for net in nets]


#: Of a unit, by port, whether it is an output.
Directions = Mapping[str, bool]


def read_nets(path: Path, units: Mapping[str, Directions]) -> Gates:
    """The netlist in a file of one module.

    Args:
        units: the directions of the ports of every unit that may be in it.
    """
    return _Reader(path.read_text().splitlines(), units).gates()


class _Reader:
    def __init__(self, lines: Iterable[str], units: Mapping[str, Directions]) -> None:
        self.units = units
        self.lines = list(lines)
        self.numbers: dict[str, Net] = {"1'b0": "0", "1'b1": "1"}
        self.fresh = count(1)

    def gates(self) -> Gates:
        for line in self.lines:
            if found := _ASSIGNED.fullmatch(line):
                self.numbers[found[1]] = self._net(found[2])
        own = dict(self._own())
        clock = next((nets[0] for port, nets in own.items() if port.name == CLOCK), None)
        instances = [found for line in self.lines if (found := _INSTANCE.fullmatch(line))]
        children = tuple(self._child(found) for found in instances if _plain(found[1]) in self.units)
        gates = tuple(
            Gate(kind=_plain(found[1]), pins=self._pins(found[3]))
            for found in instances
            if _plain(found[1]) not in self.units
        )
        ports = {**own, **dict(self._below(children))}
        return Gates(
            clock=clock,
            ports={port: nets for port, nets in ports.items() if port.name.rpartition(".")[2] != CLOCK},
            gates=gates,
            children=children,
        )

    def _net(self, name: str) -> Net:
        if name not in self.numbers:
            self.numbers[name] = next(self.fresh)
        return self.numbers[name]

    def _own(self) -> Iterator[tuple[Port, tuple[Net, ...]]]:
        for line in self.lines:
            if found := _DECLARED.fullmatch(line):
                way, high, name = found.groups()
                bits = [name] if high is None else [f"{name}[{bit}]" for bit in range(int(high), -1, -1)]
                yield Port(_plain(name), len(bits), way == "output"), tuple(map(self._net, bits))

    def _child(self, found: re.Match[str]) -> Child:
        return Child(kind=_plain(found[1]), name=_plain(found[2]), pins=self._pins(found[3]))

    def _pins(self, text: str) -> dict[str, tuple[Net, ...]]:
        return {
            _plain(name): tuple(self._net(bit) for bit in value.strip("{}").split(", "))
            for name, value in _PIN.findall(text)
        }

    def _below(self, children: Collection[Child]) -> Iterator[tuple[Port, tuple[Net, ...]]]:
        for child in children:
            for pin, nets in child.pins.items():
                yield Port(f"{child.name}.{pin}", len(nets), not self.units[child.kind][pin]), nets


def _plain(name: str) -> str:
    return name.removeprefix("\\").strip()
