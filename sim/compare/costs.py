"""Clock, area and energy of an engine: of `tessera estimate`, else what docs/ has recorded, else a hole."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from golden.errors import InputError
from hw.generate import ROOT, config_hash
from sim.compare.value import ASSUMED, ESTIMATED, RECORDED, Value, hole, place
from sim.engines import ENGINES
from sim.kernel.console import warn
from sim.kernel.folders import BUILD

SIM = Path(__file__).parent.parent
ESTIMATES = BUILD / "estimate"
#: Libraries in the order in which one is chosen, if nobody asks for one: real ones before the built-in table.
LIBRARIES = ("nangate45", "asap7", "sky130", "ihp", "embedded")
METHODS = ("gates", "toggles", "counters")  # of energy, the surest first


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a config of an engine costs in a library."""

    library: str
    clock: Value  #: MHz at which it closes
    area: Value  #: mm²
    cycle: Value  #: pJ that a cycle takes, without the DRAM


def cost_of(engine: str, wanted: str, library: str | None = None) -> Cost:
    """Of the config with the hash `wanted`: in `library`, or the first of `LIBRARIES` that it was estimated in.

    Raises:
        InputError: it was not estimated in the library that is asked for, or a recorded clock breaks a rule.
    """
    known = {cost.library: cost for cost in estimates(engine, wanted)}
    if library:
        if library not in known:
            there = ", ".join(known) or "none"
            raise InputError(
                f"{engine} must be estimated in {library}, it is in {there}: run `tessera estimate {engine}`"
            )
        return known[library]
    for name in (*LIBRARIES, *known):
        if name in known:
            return known[name]
    return recorded(engine, wanted)


def assumed(mhz: float) -> Cost:
    """A clock that somebody asked for."""
    clock = Value(number=mhz, unit="MHz", kind=ASSUMED, source="--clock", note="assumed by --clock, not closed")
    none = "an assumed clock is of no library"
    return Cost(library="no library", clock=clock, area=hole("mm2", none), cycle=hole("pJ", none))


def estimates(engine: str, wanted: str) -> Iterator[Cost]:
    """What `tessera estimate` has written of the config; a file that cannot be read is a warning."""
    found = list(_reports(engine, wanted))
    energies = {report["technology"]: _cycle(report, file) for report, file in found if "methods" in report}
    for report, file in found:
        if "methods" not in report:
            why = f"run `tessera estimate {engine} --technology {report['technology']} --energy gates`"
            yield _estimated(report, file, energies.get(report["technology"], hole("pJ", why)))


def _reports(engine: str, wanted: str) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Estimates of area and clock, and of energy, with their files."""
    for path in sorted([*ESTIMATES.glob(f"{engine}-*.json"), *ESTIMATES.glob(f"energy-{engine}-*.json")]):
        try:
            report = json.loads(path.read_text(encoding="utf-8"))
            if report["config_hash"] == wanted:
                keys = ("methods",) if "methods" in report else ("node_nm", "clock_mhz", "area_mm2")
                yield {name: report[name] for name in ("technology", "commit", *keys)}, place(path)
        except (ValueError, KeyError, TypeError) as error:
            warn(f"{place(path)}: no estimate that can be read ({type(error).__name__}): it is left out")


def _estimated(found: Mapping[str, Any], file: str, cycle: Value) -> Cost:
    library, timed, area = found["technology"], found["clock_mhz"], found["area_mm2"]
    node = f", {found['node_nm']} nm" if found["node_nm"] else ""
    if timed:
        how = f"set by {timed['slowest']}; timed by {timed['by']}, at commit {found['commit']}"
        note = f"{library}{node}, before layout; {how}"
        clock = Value(number=timed["closing"], unit="MHz", kind=ESTIMATED, source=file, note=note)
    else:
        clock = hole("MHz", f"{file} has no clock")
    note = f"{library}{node}, before placement; memories {100 * area['memory_share']:.0f} % of it"
    return Cost(
        library=library, clock=clock, cycle=cycle,
        area=Value(number=area["total"], unit="mm2", kind=ESTIMATED, source=file, note=note),
    )  # fmt: skip


def _cycle(found: Mapping[str, Any], file: str) -> Value:
    """By the surest method that there is; the note has what the others say."""
    known = {name: found["methods"][name]["pj_a_cycle"] for name in METHODS if name in found["methods"]}
    if not known:
        return hole("pJ", f"{file} has none of the methods {', '.join(METHODS)}")
    chosen, *others = known
    beside = "".join(f"; {name} {known[name]:.0f} pJ" for name in others)
    note = f"by {chosen}, mean of a sample's cycles, without DRAM{beside}"
    return Value(number=known[chosen], unit="pJ", kind=ESTIMATED, source=file, note=note)


def recorded(engine: str, wanted: str) -> Cost:
    """What `tessera synth` gave when docs/ was written, by `sim/<engine>/closed.json`: of this config, or of another.

    Raises:
        InputError: the file breaks a rule.
    """
    rows = _rows(SIM / engine / "closed.json")
    if not rows:
        why = f"run `tessera estimate {engine}`: no clock is recorded"
        return Cost(library="no library", clock=hole("MHz", why), area=hole("mm2", why), cycle=hole("pJ", why))
    names = [name for name, make in ENGINES[engine].configs.items() if config_hash(make()) == wanted]
    row = next((row for row in rows if row["config"] in names), rows[0])
    other = "" if row["config"] in names else f"config {row['config']}, a smaller one; "
    note = f"{row['library']}; {other}{row['what']}"
    clock = Value(number=row["mhz"], unit="MHz", kind=RECORDED, source=row["source"], note=note)
    why = f"run `tessera estimate {engine}`: an FPGA has no area in mm²"
    none = f"run `tessera estimate {engine} --energy gates`: no energy is recorded"
    return Cost(library=row["library"], clock=clock, area=hole("mm2", why), cycle=hole("pJ", none))


def _rows(path: Path) -> list[Mapping[str, Any]]:
    if not path.exists():
        return []
    keys = ["library", "config", "mhz", "what", "source"]
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path}: recorded clocks are JSON: {error}") from error
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict) or list(row) != keys:
            raise InputError(f"{path}, row {number}: a row has the keys {', '.join(keys)}")
        if not isinstance(row["mhz"], int | float) or not row["mhz"] > 0:
            raise InputError(f"{path}, row {number}: mhz must be above 0, it is {row['mhz']!r}")
        if not (ROOT / row["source"].split(",")[0]).exists():
            raise InputError(f"{path}, row {number}: source must begin with a file of docs/, it is {row['source']!r}")
    return rows
