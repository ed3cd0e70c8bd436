"""An estimate as JSON, with the source of every constant.

Keys:
  schema        1
  tools         versions of this project's Yosys and of OpenSTA (None where abc estimated)
  commit        of the sources
  engine        name of the engine, or of the top module of a foreign design
  config        name of the config, with its hash behind it where fields were changed; "" for a foreign design
  config_hash   None for a foreign design
  settings      every field of the config
  technology    name: embedded, nangate45, sky130, ihp, asap7, or the user's
  node_nm       None where a user's library does not say
  area_mm2      {logic, memory, total, memory_share}: cells, SRAM, both, and SRAM's part of both; before placement
  leakage_mw    {logic, memory, total}
  clock_mhz     {closing, slowest, period_ns, by}: the clock at which every unit closes, with an ideal clock and without
                wires; the unit that sets it; its period; OpenSTA or abc. None where nothing was timed
  modules       a list, those below before those above, the design last. Of each: name; count in the design; children
                {name: count in one of this}; own_um2 {logic, memory} without children; um2 with them; leakage_uw with
                them; cells and flip_flops of its own; memories [{shape, count}] of its own; period_ns and clock_mhz
                with all below (None without a path); path {start, end, cells}, the longest
  memories      a list: shape, width, depth, read_ports, write_ports, lanes, count, bits (of one), um2 (of one),
                leakage_uw, access_ns, how (macros or model)
  provenance    a list: what, value, source
  scaled        with --node only: node_nm, area_mm2, clock_mhz [low, high], energy [low, high] (factors), factors
"""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from golden.errors import InputError
from sim.estimate.estimate import Estimate
from sim.estimate.hierarchy import MACRO_BITS, MACRO_DEPTH
from sim.estimate.memory_model import LEAST_DEPTH, SECOND_PORT, USED
from sim.estimate.scaling import factors
from sim.estimate.sta import ABC_SHORT, PROGRAM, installed
from sim.kernel.report import commit

SCHEMA = 1


def make_report(
    found: Estimate, *, engine: str, config: str, config_hash: str | None, settings: Mapping[str, Any],
    node_nm: int | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The estimate as the keys above say; scaled to a node if one is named."""
    technology, total, slowest = found.technology, found.total, found.slowest
    report: dict[str, Any] = {
        "schema": SCHEMA,
        "tools": {"pyosys": version("pyosys"), "opensta": sta_version()},
        "commit": commit(),
        "engine": engine,
        "config": config,
        "config_hash": config_hash,
        "settings": dict(settings),
        "technology": technology.name,
        "node_nm": technology.node_nm,
        "area_mm2": {
            "logic": total.logic_um2 / 1e6,
            "memory": total.memory_um2 / 1e6,
            "total": total.um2 / 1e6,
            "memory_share": total.memory_um2 / total.um2 if total.um2 else 0.0,
        },
        "leakage_mw": {"logic": total.logic_w * 1e3, "memory": total.memory_w * 1e3, "total": total.watts * 1e3},
        "clock_mhz": slowest
        and {
            "closing": round(1000 / slowest[1].period_ns, 1),
            "slowest": slowest[0],
            "period_ns": slowest[1].period_ns,
            "by": slowest[1].by,
        },
        "modules": [_module(found, name) for name in found.mapped.units],
        "memories": _memories(found),
        "provenance": _provenance(found),
    }
    if node_nm is not None:
        report["scaled"] = _scaled(report, node_nm)
    return report


def sta_version() -> str | None:
    """Of the OpenSTA that times, None where there is none."""
    if not installed():
        return None
    return (
        subprocess.run([PROGRAM, "-version"], capture_output=True, text=True, check=False).stdout.strip() or "unknown"
    )


def read_report(path: Path) -> dict[str, Any]:
    """A report that was written.

    Raises:
        InputError: there is none, or it is something else.
    """
    try:
        report = json.loads(path.read_text())
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise InputError(f"{path}: not the report of an estimate: {error}") from error
    if not isinstance(report, dict) or report.get("schema") != SCHEMA or "area_mm2" not in report:
        raise InputError(
            f"{path}: not the report of an estimate (`tessera estimate` writes one), or of another version"
        )
    return report


def _module(found: Estimate, name: str) -> dict[str, Any]:
    unit, own, whole, timing = found.mapped.units[name], found.own[name], found.whole[name], found.timings[name]
    cells = found.technology.library.cells
    return {
        "name": name,
        "count": found.mapped.counts[name],
        "children": dict(unit.children),
        "own_um2": {"logic": own.logic_um2, "memory": own.memory_um2},
        "um2": whole.um2,
        "leakage_uw": whole.watts * 1e6,
        "cells": sum(unit.cells.values()),
        "flip_flops": sum(number for kind, number in unit.cells.items() if cells[kind].is_flip_flop),
        "memories": [{"shape": memory.name, "count": number} for memory, number in sorted(unit.memories.items())],
        "period_ns": timing and timing.period_ns,
        "clock_mhz": timing and round(1000 / timing.period_ns, 1),
        "path": timing and {"start": timing.start, "end": timing.end, "cells": timing.cells},
    }


def _memories(found: Estimate) -> list[dict[str, Any]]:
    return [
        {
            "shape": memory.name,
            "width": memory.width,
            "depth": memory.depth,
            "read_ports": memory.read_ports,
            "write_ports": memory.write_ports,
            "lanes": memory.lanes,
            "count": count,
            "bits": memory.bits,
            "um2": found.costs[memory].area_um2,
            "leakage_uw": found.costs[memory].leakage_w * 1e6,
            "access_ns": found.costs[memory].access_s * 1e9,
            "how": found.costs[memory].how,
        }
        for memory, count in sorted(Counter(found.mapped.memories).items())
    ]


def _provenance(found: Estimate) -> list[dict[str, Any]]:
    """Every constant that the figures stand on."""
    technology, fit = found.technology, found.model.fitted
    library = technology.library
    source = ", ".join(path.name for path in technology.liberty)
    timed = (
        "OpenSTA, ideal clock, no wires"
        if installed()
        else f"abc's path times {ABC_SHORT} (measured, docs/estimate.md)"
    )
    return [
        {"what": "cells: area, leakage, delays", "value": library.name, "source": source},
        {"what": "voltage, V", "value": library.voltage, "source": source},
        {"what": "temperature, C", "value": library.temperature, "source": source},
        {"what": "node, nm", "value": technology.node_nm, "source": technology.name},
        {"what": "cells that are not used", "value": list(technology.unused), "source": "sim/estimate/technology.py"},
        {"what": "mapped for, ps", "value": technology.period_ps, "source": "sim/estimate/technology.py"},
        {"what": "period", "value": timed, "source": "sim/estimate/sta.py"},
        {"what": "memories of fewer bits or rows are flip-flops", "value": [MACRO_BITS, MACRO_DEPTH],
         "source": "sim/estimate/hierarchy.py"},
        {"what": "rows that a memory costs at least", "value": LEAST_DEPTH, "source": "sim/estimate/memory_model.py"},
        {"what": "second port of a macro that has one, times", "value": SECOND_PORT,
         "source": "Chang et al., VLSI 2005: cells of eight transistors are 30 % larger than of six"},
        {"what": "macros are used from this share of their bits on", "value": USED,
         "source": "sim/estimate/memory_model.py"},
        {"what": "macros", "value": [macro.name for macro in found.model.macros], "source": technology.macros or ""},
        {"what": "memories without macros that fit", "value": fit.as_dict(), "source": fit.source},
    ]  # fmt: skip


def _scaled(report: Mapping[str, Any], node_nm: int) -> dict[str, Any]:
    """Area and clock at another node; leakage has no factor that can be trusted and is left out.

    Raises:
        InputError: the report's node is not known, or the wanted one is none of the table's.
    """
    if report["node_nm"] is None:
        raise InputError("--node needs to know the library's own node: name it by --library-node")
    factor = factors(report["node_nm"], node_nm)
    clock = report["clock_mhz"]
    return {
        "node_nm": node_nm,
        "area_mm2": {key: report["area_mm2"][key] * factor.area for key in ("logic", "memory", "total")},
        "clock_mhz": clock and [round(clock["closing"] / delay, 1) for delay in reversed(factor.delay)],
        "energy": list(factor.energy),
        "factors": {"area": factor.area, "delay": list(factor.delay)},
        "flavours": ["HP", "LP"],
        "source": "Stillmaker and Baas, Integration 58 (2017); sim/estimate/scaling.py",
    }
