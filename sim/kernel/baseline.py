"""How baselines are kept: a JSON file for each engine and device, an entry for each workload and method."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from golden.errors import InputError
from sim.kernel.files import write_json
from sim.kernel.report import commit
from sim.kernel.runner import BUILD

SCHEMA = 2  # of a record
SIM = Path(__file__).parent.parent  # an engine's records lie in its own folder
LOCAL = BUILD / "baselines"  # what this machine has measured

#: A device and the workloads that were timed on it.
Measured = tuple[dict[str, Any], list[dict[str, Any]]]


def save(engine: str, measured: Measured, base: Path) -> Path:
    """Writes `<base>/<engine>/measured-<device>.json` and returns its path.

    What stands there of other workloads, methods or numbers of threads stays.
    """
    device, entries = measured
    slug = re.sub(r"[^a-z0-9]+", "-", device["name"].lower()).strip("-")
    path = base / engine / f"measured-{slug}.json"
    made = {"threads": device.get("threads"), "commit": commit(), "torch": version("torch")}
    merged = {_key(e): e for e in (_read(path)["entries"] if path.exists() else [])}
    for timed in entries:
        merged[_key(made | timed)] = made | timed
    about = {name: value for name, value in device.items() if name != "threads"}
    write_json(path, {"schema": SCHEMA, "engine": engine, "device": about, "entries": list(merged.values())})
    return path


def load(engine: str) -> list[dict[str, Any]]:
    """Every measured record of an engine, by device name: this machine's own before those of the source tree.

    Each entry's `file` says where it stands.

    Raises:
        InputError: one cannot be read, or has another schema.
    """
    records: dict[str, dict[str, Any]] = {}
    for folder in (SIM / engine, LOCAL / engine):
        for path in sorted(folder.glob("measured-*.json")):
            record = _read(path)
            for one in record["entries"]:
                one["file"] = str(path)
            known = records.setdefault(record["device"]["name"], record)
            newer = {_key(e): e for e in record["entries"]}
            known["entries"] = list(({_key(e): e for e in known["entries"]} | newer).values())
    return [records[name] for name in sorted(records)]


def _read(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        schema = record["schema"]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: no record that can be read: {error}") from error
    if schema != SCHEMA:
        raise InputError(f"{path}: a record must have schema {SCHEMA}, it has {schema}: measure it again")
    return record


def _key(entry: Mapping[str, Any]) -> str:
    """What makes two entries measurements of the same."""
    return json.dumps([entry[name] for name in ("workload", "method", "threads")], sort_keys=True)
