"""What a checked run did: the words at every unit's border cycle by cycle, and how often every signal changed.

Both come from the waves of the run (`--waves run.vcd`), in one pass. The word of a cycle is what a port shows just
before the clock's rising edge that ends it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from golden.errors import InputError
from sim.kernel.files import whole_file

CLOCK, RESET = "clk", "rst"
Changes = list[tuple[int, str]]  #: of a signal, cycle and bits from which on it shows them, in order


@dataclass(frozen=True)
class Port:
    """A port of a unit. Its name is its place in the trace below the unit's instance, scopes joined by dots."""

    name: str
    width: int
    output: bool


@dataclass(frozen=True, kw_only=True)
class Unit:
    """A module that is replayed by itself, and where it stands in the design."""

    module: str
    instances: tuple[str, ...]  #: paths from the design's top, scopes joined by dots
    ports: tuple[Port, ...]  #: without clocks

    @property
    def inputs(self) -> tuple[Port, ...]:
        return tuple(port for port in self.ports if not port.output)

    @property
    def outputs(self) -> tuple[Port, ...]:
        return tuple(port for port in self.ports if port.output)


@dataclass(frozen=True, kw_only=True)
class Vectors:
    """The words at an instance's ports, a cycle each: the inputs' bits, and the outputs' that must follow."""

    module: str
    instance: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    begin: int  #: the first cycle after the reset
    words: Collection[tuple[str, str]]

    @property
    def cycles(self) -> int:
        """Those after the reset."""
        return len(self.words) - self.begin


@dataclass(frozen=True, kw_only=True)
class Activity:
    """Of a run."""

    vectors: Mapping[str, Vectors]  #: by instance
    toggles: Mapping[str, int]  #: changed bits of all signals of an instance's unit, after the reset; by instance
    cycles: int  #: after the reset


def write_vectors(vectors: Vectors, path: Path) -> None:
    """A line a cycle: the inputs' bits and the outputs', `-` where there are none, the first port at the left."""
    with whole_file(path) as temporary, temporary.open("w") as file:
        file.writelines(f"{given or '-'} {wanted or '-'}\n" for given, wanted in vectors.words)


def read_activity(path: Path, units: Sequence[Unit], *, cycles: int | None = None) -> Activity:
    """Reads the waves of a run of the design that `units` are of.

    Args:
        cycles: how many after the reset count, at most.

    Raises:
        InputError: the file is no VCD, or of another design: it lacks a scope or a signal, or has one of another width.
    """
    try:
        with path.open("rb") as file:
            scopes = _read_header(file, path)
            return _read_changes(file, path, scopes, units, cycles)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error


#: Of every scope, its signals' codes and widths.
Scopes = dict[str, dict[str, tuple[bytes, int]]]


def _read_header(file: BinaryIO, path: Path) -> Scopes:
    scopes: Scopes = defaultdict(dict)
    place: list[str] = []
    for line in file:
        match line.decode(errors="replace").split():
            case ["$scope", _, name, "$end"]:
                place.append(name)
            case ["$upscope", "$end"]:
                del place[-1:]
            case ["$var", _, width, code, name, *_]:
                scopes[".".join(place)][name] = code.encode(), int(width)
            case ["$enddefinitions", "$end"]:
                return scopes
            case _:
                pass
    raise InputError(f"{path}: waves are a VCD with the line $enddefinitions, this file has none")


def _signal(scopes: Scopes, instance: str, port: Port, path: Path) -> bytes:
    """The code of a port's signal."""
    inner, _, name = f"{instance}.{port.name}".rpartition(".")
    code, width = scopes.get(inner, {}).get(name, (b"", 0))
    if width != port.width:
        has = f"with {width} bits" if width else "nowhere"
        raise InputError(
            f"{path}: the waves of this design have {inner}.{name} with {port.width} bits, the file has it {has}"
        )
    return code


def _owners(scopes: Scopes, units: Sequence[Unit]) -> dict[bytes, list[str]]:
    """Of every signal's code, the instances of units that it lies in, once for each name it has."""
    instances = {instance for unit in units for instance in unit.instances}
    found: dict[bytes, list[str]] = defaultdict(list)
    for scope, signals in scopes.items():
        place = scope
        while place and place not in instances:
            place = place.rpartition(".")[0]
        if place:
            for name, (code, _) in signals.items():
                if name != CLOCK:
                    found[code].append(place)
    return found


def _read_changes(
    file: BinaryIO, path: Path, scopes: Scopes, units: Sequence[Unit], limit: int | None
) -> Activity:  # fmt: skip
    top = units[0].instances[0].partition(".")[0]
    clock, reset = (_signal(scopes, top, Port(name, 1, False), path) for name in (CLOCK, RESET))
    wanted = {
        _signal(scopes, instance, port, path): [(0, "x" * port.width)]
        for unit in units
        for instance in unit.instances
        for port in unit.ports
    }
    owners = _owners(scopes, units)
    recorder = _Recorder(clock, reset, {**{reset: [(0, "x")]}, **wanted}, owners, limit)
    recorder.read(file)
    if recorder.begin is None:
        raise InputError(f"{path}: waves of a whole run begin with its reset, these have none that ends")
    vectors = {
        instance: _vectors(unit, instance, scopes, recorder, path) for unit in units for instance in unit.instances
    }
    toggles: dict[str, int] = dict.fromkeys(vectors, 0)
    for code, changed in recorder.toggles.items():
        for instance in owners[code]:
            toggles[instance] += changed
    return Activity(vectors=vectors, toggles=toggles, cycles=recorder.cycle - recorder.begin)


def _vectors(unit: Unit, instance: str, scopes: Scopes, recorder: _Recorder, path: Path) -> Vectors:
    def changes(ports: Sequence[Port]) -> list[Changes]:
        return [recorder.changes[_signal(scopes, instance, port, path)] for port in ports]

    assert recorder.begin is not None
    return Vectors(
        module=unit.module,
        instance=instance,
        inputs=unit.inputs,
        outputs=unit.outputs,
        begin=recorder.begin,
        words=_Words(changes(unit.inputs), changes(unit.outputs), recorder.cycle),
    )


@dataclass(frozen=True)
class _Words(Collection[tuple[str, str]]):
    """The words of inputs and outputs, made from their changes as often as they are asked for."""

    inputs: Sequence[Changes]
    outputs: Sequence[Changes]
    cycles: int

    def __len__(self) -> int:
        return self.cycles

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return zip(_joined(self.inputs, self.cycles), _joined(self.outputs, self.cycles), strict=True)

    def __contains__(self, words: object) -> bool:
        return any(own == words for own in self)


def _joined(signals: Sequence[Changes], cycles: int) -> Iterator[str]:
    """The bits of all signals together in every cycle."""
    now = [changes[0][1] for changes in signals]
    later: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for place, changes in enumerate(signals):
        for cycle, bits in changes[1:]:
            later[cycle].append((place, bits))
    word = "".join(now)
    for cycle in range(cycles):
        if cycle in later:
            for place, bits in later[cycle]:
                now[place] = bits
            word = "".join(now)
        yield word


_KNOWN = bytes.maketrans(b"xz", b"00")  # an unknown bit counts as 0


class _Recorder:
    """Follows the changes block by block; those at a rising edge belong to the cycle that begins there."""

    def __init__(
        self, clock: bytes, reset: bytes, changes: dict[bytes, Changes], counted: Iterable[bytes], limit: int | None
    ) -> None:
        self.clock, self.reset, self.changes, self.limit = clock, reset, changes, limit
        self.values: dict[bytes, int] = dict.fromkeys(counted, 0)
        self.toggles: dict[bytes, int] = dict.fromkeys(self.values, 0)
        self.cycle = 0  #: rising edges so far
        self.begin: int | None = None

    def read(self, file: BinaryIO) -> None:
        """To the end, or until the limit is reached."""
        block: list[tuple[bytes, bytes]] = []
        for line in file:
            first = line[0]
            if first == 35:  # '#', a time
                self._close(block)
                block = []
                if self.limit is not None and self.begin is not None and self.cycle - self.begin >= self.limit:
                    return
            elif first == 98:  # 'b', a vector
                bits, _, code = line[1:-1].partition(b" ")
                block.append((code, bits))
            elif first in b"01xz":
                block.append((line[1:-1], line[:1]))
        self._close(block)

    def _close(self, block: list[tuple[bytes, bytes]]) -> None:
        """Takes the changes of one time."""
        rises = (self.clock, b"1") in block
        if rises:
            if self.begin is None and self.changes[self.reset][-1][1] == "0":
                self.begin = self.cycle
            self.cycle += 1
        counts = self.begin is not None
        for code, bits in block:
            if code in self.values:
                value = int(bits.translate(_KNOWN), 2)
                if counts:
                    self.toggles[code] += (value ^ self.values[code]).bit_count()
                self.values[code] = value
            if code in self.changes:
                self._change(self.changes[code], bits.decode())

    def _change(self, changes: Changes, bits: str) -> None:
        """Of several changes in a cycle the last one stays."""
        bits = bits.rjust(len(changes[0][1]), bits[0] if bits[0] in "xz" else "0")
        if changes[-1][0] == self.cycle:
            changes[-1] = (self.cycle, bits)
        else:
            changes.append((self.cycle, bits))
