"""The schema of reports: one table, from which docs/report.schema.json is made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sim.kernel.files import write_json

#: Of a report. A key that is added is none; one that goes, or means something else, is a new number.
SCHEMA = 3
FILE = "report.schema.json"

_WHOLE: dict[str, Any] = {"type": "integer"}
_NUMBER: dict[str, Any] = {"type": "number"}
_TEXT: dict[str, Any] = {"type": "string"}
_SETTING: dict[str, Any] = {"type": ["integer", "string"]}
_OPEN: dict[str, Any] = {"type": "object"}
_CONFIG: dict[str, Any] = {
    "type": "object",
    "properties": {"spec": {"type": "object", "additionalProperties": _SETTING}},
    "additionalProperties": _SETTING,
}


def _map(values: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": values}


def _record(**properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _or_null(kind: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [kind, {"type": "null"}]}


#: Key, type, meaning; in the order in which a report has them.
_FIELDS: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("schema", {"const": SCHEMA}, "Version of this schema."),
    ("tools", _map(_TEXT), "Version of every tool that can change a result."),
    ("commit", _TEXT, "Commit of the checkout, with -dirty if files differ from it; `unknown` outside git."),
    ("engine", _TEXT, "Name of the engine."),
    ("config", {"anyOf": [_CONFIG, _map(_CONFIG)]},
     "Every field of the config; `spec` has those that change results, the others change speed and area. A composition"
     " has the config of each of its engines, by name."),
    ("config_hash", {"type": "string", "pattern": "^[0-9a-f]{12}$"}, "Names the config in every file made with it."),
    ("seed", _WHOLE, "Seed of power-up state, memory pauses, and inputs that are made up."),
    ("workload", _OPEN, "What was computed; keys depend on the engine. A baseline is of the same workload if the values"
     " of all its keys are the report's. `backend` says what computed it, `seconds` how long that took."),
    ("memory", {"type": "object", "properties": {"dram": _or_null(_map(_SETTING))},
                "additionalProperties": _or_null(_WHOLE)},
     "Simulated memory, nothing of a board's: latency in cycles; bandwidth, stalls and link_pauses in 256ths; null"
     " for what is not limited;"
     " `dram`: the fields of the DRAM that takes the place of latency and bandwidth, if one does."),
    ("cycles", _or_null(_WHOLE), "Measured in simulation or on a board; null if no RTL ran."),
    ("bound", _or_null(_record(cycles=_NUMBER, limit=_TEXT, stages=_map(_NUMBER))),
     "Least cycles that the counted work can take, modelled: of every stage, and of the one that limits."),
    ("ratio", _or_null(_NUMBER), "Cycles over the bound's."),
    ("useful_share", _or_null(_NUMBER), "Work that changed a result over work done; null where it is not counted."),
    ("counters", _map(_WHOLE), "Counters of the hardware, by name."),
    ("bytes", _map(_WHOLE), "Bytes to and from external memory by kind, and their total."),
    ("dram", _or_null({"type": "object", "properties": {"parts": _map(_map(_WHOLE))}, "additionalProperties": _WHOLE}),
     "What the DRAM counted, by port: bursts, their row hits, misses and conflicts, activations, bytes at the pins, and"
     " cycles waited; `parts`: by part of the memory, reads and writes together, the same but cycles waited, and DRAM"
     " clocks that accesses were queued; null for the flat memory."),
    ("quality", _OPEN, "Figures of the results; null where one has no value. `rtl_equals_model`, of a board"
     " `board_equals_model`, and the number of `words_compared`, if every word was compared."),
    ("baselines", {"type": "array", "items": _record(
        device=_TEXT, threads=_or_null(_WHOLE), method=_TEXT, kind=_TEXT, workload=_TEXT, ms=_NUMBER, ratio=_NUMBER,
        clock_mhz=_NUMBER,
        energy_mj=_or_null(_NUMBER), energy_method=_or_null(_TEXT))},
     "Times of the same workload elsewhere in milliseconds (the median), and over the RTL's at `clock_mhz`, at which it"
     " closes; energy of a run in millijoules, of the whole device, and how it was measured; null where it was not."),
)  # fmt: skip
#: What only some commands add.
_EXTRAS: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("unfused", _OPEN, "`decode`: the same step through external memory: cycles, bytes, counters."),
    ("full", _OPEN, "`decode --select scan`: the same heads attending to all tokens: cycles, bound, bytes, error."),
    (
        "frames",
        {"type": "array", "items": _OPEN},
        "`render --path`: the report of every frame, in order. The sequence's own has sums of cycles, bounds, counters"
        " and bytes, and means of shares and of quality; `workload` has the path and how many frames.",
    ),
)


def schema() -> dict[str, Any]:
    """The JSON Schema of a report."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Tessera report, schema {SCHEMA}",
        "description": "What --report and --json give: the same keys for every engine.",
        "type": "object",
        "properties": {name: {"description": text, **kind} for name, kind, text in (*_FIELDS, *_EXTRAS)},
        "required": [name for name, _, _ in _FIELDS],
        "additionalProperties": False,
    }


def record(docs: Path, progress: Callable[[str], object], size: int = 0) -> list[Path]:
    """Writes the schema's file; `progress` and `size` are not used."""
    path = docs / FILE
    write_json(path, schema())
    return [path]
