"""The rows of the comparison: a workload of an engine, what it takes in RTL, and what it takes elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from sim.compare.costs import Cost
from sim.compare.published import Claim, claims_of
from sim.compare.rivals import Report, Rival, rivals
from sim.compare.value import DERIVED, MODELLED, SIMULATED, Value, hole, over, place, times
from sim.engines import ENGINES
from sim.kernel.comparison import label
from sim.kernel.dram import DRAMS


@dataclass(frozen=True, kw_only=True)
class Row:
    """A workload of an engine: no rival of another workload stands in it."""

    engine: str
    label: str
    workload: Mapping[str, Any]
    precision: str
    report: str  #: the file
    values: Mapping[str, Value]
    stages: Mapping[str, float]  #: cycles that each needs at least
    rivals: list[Rival] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)  #: of the engine's task, on other workloads

    def json(self) -> dict[str, Any]:
        """For the comparison's JSON and its page."""
        claims = [asdict(c) | {"value": c.value, "provenance": c.provenance} for c in self.claims]
        plain = {name: getattr(self, name) for name in ("engine", "label", "precision", "report")}
        return {
            **plain, "workload": dict(self.workload), "stages": dict(self.stages),
            "values": {name: value.json() for name, value in self.values.items()},
            "rivals": [rival.json() for rival in self.rivals], "claims": claims,
        }  # fmt: skip


def make_row(path: Path, report: Report, cost: Cost) -> Row:
    """The row of a report with cycles."""
    engine, file = report["engine"], place(path)
    values = _values(report, file, cost)
    return Row(
        engine=engine, label=label(report["workload"]), workload=report["workload"],
        precision=ENGINES[engine].compared().PRECISION, report=file, values=values,
        stages=report["bound"]["stages"] if report.get("bound") else {}, rivals=list(rivals(report, values)),
        claims=claims_of(engine),
    )  # fmt: skip


def _values(report: Report, file: str, cost: Cost) -> dict[str, Value]:
    """Every figure of the engine, in the order in which it is shown."""

    def simulated(number: float | None, unit: str, note: str = "") -> Value:
        if number is None:
            return hole(unit, f"{file} has none")
        return Value(number=number, unit=unit, kind=SIMULATED, source=file, note=note)

    bound, share = report.get("bound"), report.get("useful_share")
    cycles = simulated(report["cycles"], "cycles", _pauses(report))
    moved = simulated(report.get("bytes", {}).get("total"), "B")
    time = over(cycles, cost.clock, "ms", factor=1e-3, note=f"at the clock of {cost.library}")
    return {
        "cycles": cycles,
        "bound": Value(number=bound["cycles"], unit="cycles", kind=MODELLED, source=file, note=f"by {bound['limit']}")
        if bound else hole("cycles", f"{file} has none"),
        "ratio": simulated(report.get("ratio"), "×"),
        "useful share": hole("%", "this engine does not count it") if share is None else simulated(100 * share, "%"),
        "bytes": moved,
        "clock": cost.clock,
        "time": time,
        "needs": _needs(moved, time, gives := _presets()),
        **gives,
        "energy": times(cost.cycle, cycles, "mJ", factor=1e-9, note=cost.cycle.note),
        "area": cost.area,
    }  # fmt: skip


def _needs(moved: Value, time: Value, gives: Mapping[str, Value]) -> Value:
    """Bytes over time, and which DRAM cannot give that at any time: with it the run would take longer."""
    mean = over(moved, time, "GB/s", factor=1e-6)
    slow = [name.split()[0] for name, most in gives.items() if (mean.number or 0.0) > (most.number or 0.0)]
    beyond = f"; more than {' and '.join(slow)} can give, with which the run takes longer" if slow else ""
    return replace(mean, note=f"mean over the run, of a memory that always answers{beyond}") if mean.number else mean


def _presets() -> dict[str, Value]:
    """What each DRAM can give at most."""
    return {
        f"{name} gives": Value(
            number=round(dram.peak * dram.engine_megahertz / 1000, 3), unit="GB/s", kind=DERIVED,
            source="docs/memory.md", note=f"peak of {dram.channels} channels",
        )
        for name, dram in DRAMS.items()
    }  # fmt: skip


def _pauses(report: Report) -> str:
    memory = report["memory"]
    pauses = f", pauses {memory['stalls']}/256" if memory.get("stalls") else ""
    return f"memory: {memory['dram']['name'] if memory.get('dram') else 'flat'}{pauses}"
