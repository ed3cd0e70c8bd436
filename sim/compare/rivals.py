"""The same workload on processors: measured, modelled, or a hole that says what would fill it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hw.generate import config_hash
from sim.compare import gpu_model
from sim.compare.published import Device, devices
from sim.compare.value import DERIVED, HOLE, MEASURED, MODELLED, Value, derived, hole, over, place, times
from sim.engines import ENGINES
from sim.kernel.comparison import matching

MOBILE = ("Orin NX", "AGX Xavier")  # what frames are modelled on
Report = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Rival:
    """The same workload on a processor. Ratios are how many times the engine's figure the rival's is."""

    device: str
    method: str
    kind: str  #: how its time was found
    time: Value
    energy: Value
    at_clock: Value  #: time over the engine's at the clock of its row
    at_bandwidth: Value  #: the same, were both given as many bytes a second
    per_mm2: Value  #: the same, were both given as much area
    per_joule: Value  #: energy over the engine's

    def json(self) -> dict[str, Any]:
        """For the comparison's JSON and its page."""
        return {name: v.json() if isinstance(v, Value) else v for name, v in vars(self).items()}


def rivals(report: Report, values: Mapping[str, Value]) -> Iterator[Rival]:
    """Everything that is known of the very same workload, measured and modelled; holes where nothing is."""
    found: Counter[str] = Counter()
    bandwidth = _bandwidth(report, values)
    for record, entry in matching(report):
        found[record["device"]["kind"]] += 1
        yield _measured(record, entry, values, bandwidth)
        if record["device"]["kind"] == "cuda":
            yield from _scaled(record["device"]["name"], entry, values, bandwidth)
    yield from _modelled(report, values, bandwidth)
    command = f"`tessera baseline {report['engine']}`"
    if not found["cpu"]:
        yield _nothing("a CPU", f"no record of this workload: run {command}")
    if not found["cuda"]:
        yield _nothing("a GPU", f"no record of this workload: run {command} where CUDA is, or `--export` it there")


def _measured(record: Report, entry: Report, values: Mapping[str, Value], bandwidth: Value) -> Rival:
    name, file = record["device"]["name"], place(entry["file"])
    time = Value(number=entry["median_ms"], unit="ms", kind=MEASURED, source=file, note=_protocol(record, entry))
    energy = (
        hole("mJ", entry.get("energy_missing") or f"{file} says no reason")
        if entry["energy_mj"] is None
        else Value(number=entry["energy_mj"], unit="mJ", kind=MEASURED, source=file, note=entry["energy_method"])
    )
    return _rival(name, entry["method"], MEASURED, time, energy, values, bandwidth)


def _protocol(record: Report, entry: Report) -> str:
    """What the time is of: runs, spread, threads, what else ran, and what other views of the same took."""
    spread, threads, busy = entry.get("spread_ms"), entry.get("threads"), entry.get("load")
    parts = ["spread unknown" if spread is None else f"median of {len(entry['runs_ms'])} runs, spread {spread:g} ms"]
    if threads:
        parts.append(f"{threads} thread{'s' if threads > 1 else ''}")
    if busy is not None:
        parts.append(f"the machine's load {busy:g}")
    others = [
        one["median_ms"] for one in record["entries"] if one is not entry and _view_aside(one) == _view_aside(entry)
    ]
    if others:
        parts.append(f"{len(others)} other views {min(others):g} to {max(others):g} ms")
    return ", ".join(parts)


def _view_aside(entry: Report) -> tuple[object, ...]:
    """What an entry measures, but for the view of it."""
    workload = {name: value for name, value in entry["workload"].items() if name != "view"}
    return workload, entry["method"], entry.get("threads")


def _scaled(name: str, entry: Report, values: Mapping[str, Value], bandwidth: Value) -> Iterator[Rival]:
    """A GPU's measured time on mobile ones, where a kernel is bound by a roof and its GPU is known."""
    kind = entry.get("roof")
    if name not in devices() or not kind:
        return
    doubt = f"off by up to × {gpu_model.worst_factor():.1f} where frames can be checked"
    for target in (devices()[mobile] for mobile in MOBILE):
        ms = gpu_model.scaled(entry["median_ms"], kind, devices()[name], target)
        note = f"{name}'s measured time by {kind}; {doubt}"
        time = Value(number=ms, unit="ms", kind=MODELLED, source=place(entry["file"]), note=note)
        if ms:
            yield _rival(target.name, entry["method"], MODELLED, time, _at_most(time, target), values, bandwidth)


def _modelled(report: Report, values: Mapping[str, Value], bandwidth: Value) -> Iterator[Rival]:
    """A single frame of Gaussians on mobile GPUs."""
    workload = report["workload"]
    sides = re.fullmatch(r"(\d+)x(\d+)", str(workload.get("size")))
    if "gaussians" not in workload or "frames" in workload or not sides:
        return
    work = {"gaussians": workload["gaussians"], "pixels": int(sides[1]) * int(sides[2])}
    for name in MOBILE:
        target = devices()[name]
        ms = gpu_model.frame_ms(work, target)
        source = "sim/compare/gpu_model.py"
        note = f"{gpu_model.METHOD}; off by up to × {gpu_model.worst_factor():.1f} of what it can be checked against"
        time = (
            Value(number=ms, unit="ms", kind=MODELLED, source=source, note=note)
            if ms
            else hole("ms", gpu_model.lacking(target) or "")
        )
        yield _rival(name, "3DGS", MODELLED, time, _at_most(time, target), values, bandwidth)


def _at_most(time: Value, device: Device) -> Value:
    """The energy of a device that draws all it may."""
    if device.power_w is None:
        return hole("mJ", f"no source at hand gives the power of {device.name}")
    power = Value(number=device.power_w, unit="W", kind=MODELLED, source=device.sources["power_w"])
    return times(time, power, "mJ", note="at most: at the limit of its power")


def _rival(
    name: str, method: str, kind: str, time: Value, energy: Value, values: Mapping[str, Value], bandwidth: Value
) -> Rival:  # fmt: skip
    device = devices().get(name)
    ratio = over(time, values["time"], "×")
    return Rival(
        device=name, method=method, kind=kind, time=time, energy=energy, at_clock=ratio,
        at_bandwidth=_fair(ratio, _spec(device, name, "bandwidth_gbs", "GB/s"), bandwidth),
        per_mm2=_fair(ratio, _spec(device, name, "area_mm2", "mm2"), values["area"]),
        per_joule=over(energy, values["energy"], "×"),
    )  # fmt: skip


def _fair(ratio: Value, theirs: Value, ours: Value) -> Value:
    """The ratio, had the engine as much of a resource as the rival: time falls in proportion, by assumption."""
    return times(ratio, over(theirs, ours, "×"), "×", note="if both scaled with it")


def _spec(device: Device | None, name: str, field_name: str, unit: str) -> Value:
    number = getattr(device, field_name) if device else None
    if device is None or number is None:
        return hole(unit, f"no source at hand gives the {'area' if unit == 'mm2' else 'bandwidth'} of {name}")
    return Value(number=number, unit=unit, kind=DERIVED, source=device.sources[field_name])


def _bandwidth(report: Report, values: Mapping[str, Value]) -> Value:
    """What the engine's port of memory moves at most: a word a cycle."""
    known = (make() for make in ENGINES[report["engine"]].configs.values())
    config = next((one for one in known if config_hash(one) == report.get("config_hash")), None)
    clock = values["clock"]
    if config is None or clock.number is None:
        return hole("GB/s", clock.note if config else "the report's config is none of the named ones")
    return derived(config.word_bytes * clock.number / 1000, "GB/s", clock, note="a word a cycle")


def _nothing(device: str, why: str) -> Rival:
    empty = {name: hole(unit, why) for name, unit in (("time", "ms"), ("energy", "mJ"))}
    ratios = {name: hole("×", why) for name in ("at_clock", "at_bandwidth", "per_mm2", "per_joule")}
    return Rival(device=device, method="–", kind=HOLE, **empty, **ratios)
