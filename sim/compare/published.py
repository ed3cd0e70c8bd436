"""What publications say, as data: a value, of what, where it stands, how it was read; and the devices they speak of."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from golden.errors import InputError
from sim.engines import ENGINES

T = TypeVar("T")
SIM = Path(__file__).parent.parent
FIGURES = SIM / "compare" / "gpus.json"  # of processors, for no engine alone
DEVICES = SIM / "compare" / "devices.json"
TAGS = ("publication", "read in a review", "derived")
#: Every quantity with the units it may have.
UNITS: Mapping[str, tuple[str, ...]] = {
    "frame rate": ("FPS",), "token rate": ("tokens/s",), "time": ("ms", "us"), "latency": ("cycles",),
    "energy": ("mJ",), "power": ("mW", "W"), "area": ("mm2",), "bandwidth": ("GB/s",), "traffic": ("GB",),
    "memory": ("B",), "speed-up": ("×",), "energy saving": ("×", "%"), "share": ("%",), "quality": ("dB",),
}  # fmt: skip
RELATIVE = ("speed-up", "energy saving")  # mean nothing without what they are over


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A figure that somebody published."""

    design: str  #: whose figure it is
    quantity: str  #: one of `UNITS`
    low: float
    high: float  #: `low`, or the other end of a range
    unit: str
    device: str  #: what it was measured or simulated on
    over: str | None  #: what a speed-up or saving is relative to
    node_nm: float | None
    clock_mhz: float | None
    workload: str
    resolution: str | None
    source: str  #: publication, page or file
    place: str | None  #: table, figure or section of it, where known
    read: str  #: how it was read
    tag: str  #: one of `TAGS`

    @property
    def value(self) -> str:
        """For people, with the unit."""
        ends = f"{self.low:,g}" if self.low == self.high else f"{self.low:,g} to {self.high:,g}"
        return f"{ends} {self.unit.replace('mm2', 'mm²').replace('us', 'µs')}"

    @property
    def provenance(self) -> str:
        """Where it stands, how it was read, and what it therefore is."""
        place = f", {self.place}" if self.place else ""
        return f"{self.source}{place}; {self.read} ({self.tag})"


@dataclass(frozen=True, kw_only=True)
class Device:
    """A processor as its vendor describes it; None where no source was found."""

    name: str
    kind: str
    cores: int | None  #: float32 lanes, a multiply and an add a cycle each
    clock_mhz: float | None  #: the highest
    fp32_tflops: float | None  #: where it is given; else of cores and clock
    bandwidth_gbs: float | None
    power_w: float | None  #: the most it is to draw
    area_mm2: float | None  #: of the die, all that is on it
    sources: Mapping[str, str]  #: of every field that is not None

    @property
    def peak_tflops(self) -> float | None:
        """Float32, a multiply and an add counted as two."""
        if self.fp32_tflops is not None or self.cores is None or self.clock_mhz is None:
            return self.fp32_tflops
        return 2 * self.cores * self.clock_mhz / 1e6


def claims_of(engine: str) -> list[Claim]:
    """What is published about an engine's task, in the order of its file; nothing where there is no file.

    Raises:
        InputError: a row breaks a rule; the line names file, row and rule.
    """
    return _rows(SIM / engine / "published.json", _claim)


def figures() -> list[Claim]:
    """What is published of processors: splatting and decoding by other people's programs."""
    return _rows(FIGURES, _claim)


def devices() -> dict[str, Device]:
    """Every known processor, by name."""
    return {device.name: device for device in _rows(DEVICES, _device)}


def check_all() -> int:
    """Reads every file of published figures; how many there are.

    Raises:
        InputError: a row breaks a rule.
    """
    return len(figures()) + len(devices()) + sum(len(claims_of(engine)) for engine in ENGINES)


def _rows(path: Path, make: Callable[[Mapping[str, Any]], T]) -> list[T]:
    if not path.exists():
        return []
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path}: published figures are JSON: {error}") from error
    made: list[T] = []
    for number, row in enumerate(rows, 1):
        try:
            made.append(make(row))
        except InputError as error:
            raise InputError(f"{path}, row {number}: {error}") from None
    return made


def _claim(row: Mapping[str, Any]) -> Claim:
    names = [field.name for field in fields(Claim) if field.name not in ("low", "high")] + ["value"]
    _check_keys(row, names)
    optional = ("over", "node_nm", "clock_mhz", "resolution", "place", "value")
    _check_texts(row, [name for name in names if name not in optional])
    low, high = _ends(row["value"])
    quantity = row["quantity"]
    if quantity not in UNITS:
        raise InputError(f"quantity must be one of {', '.join(UNITS)}, it is {quantity!r}")
    if row["unit"] not in UNITS[quantity]:
        raise InputError(f"the unit of {quantity} must be {' or '.join(UNITS[quantity])}, it is {row['unit']!r}")
    if row["tag"] not in TAGS:
        raise InputError(f"tag must be one of {', '.join(TAGS)}, it is {row['tag']!r}")
    if (row["over"] is not None) != (quantity in RELATIVE):
        raise InputError(f"`over` must be given for {' and '.join(RELATIVE)} alone, it is {row['over']!r} ({quantity})")
    _check_numbers(row, ("node_nm", "clock_mhz"))
    return Claim(low=low, high=high, **{name: row[name] for name in names if name != "value"})


def _device(row: Mapping[str, Any]) -> Device:
    names = [field.name for field in fields(Device)]
    _check_keys(row, names)
    _check_texts(row, ("name", "kind"))
    numbers = ("cores", "clock_mhz", "fp32_tflops", "bandwidth_gbs", "power_w", "area_mm2")
    _check_numbers(row, numbers)
    for name in numbers:
        if (row[name] is not None) != bool(row["sources"].get(name)):
            raise InputError(f"{row['name']}: a value and its source come together, not so {name}")
    return Device(**row)


def _check_keys(row: Mapping[str, Any], names: list[str]) -> None:
    if not isinstance(row, dict) or set(row) != set(names):
        given = ", ".join(row) if isinstance(row, dict) else repr(row)
        raise InputError(f"a row has the keys {', '.join(names)}, this one has {given}")


def _check_texts(row: Mapping[str, Any], names: list[str] | tuple[str, ...]) -> None:
    for name in names:
        if not isinstance(row[name], str) or not row[name].strip():
            raise InputError(f"{name} must be a text, it is {row[name]!r}")


def _check_numbers(row: Mapping[str, Any], names: tuple[str, ...]) -> None:
    for name in names:
        if row[name] is not None and not (_number(row[name]) and row[name] > 0):
            raise InputError(f"{name} must be a number above 0 or null, it is {row[name]!r}")


def _ends(value: Any) -> tuple[float, float]:
    """A number, or the two ends of a range."""
    if _number(value):
        return value, value
    if isinstance(value, list) and len(value) == 2 and all(map(_number, value)) and value[0] < value[1]:
        return value[0], value[1]
    raise InputError(f"value must be a number, or two that rise, it is {value!r}")


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
