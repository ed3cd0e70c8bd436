"""Config to Verilog: one module once, with a description of ports and config beside it."""

from __future__ import annotations

import gc
import hashlib
import json
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, is_dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from amaranth.lib import data, wiring
from amaranth.lib.wiring import In

from hw.descriptions import describe_fields, describe_ports
from hw.lib.fields import fields_of_layout
from hw.lib.memory import drop_zero_contents
from hw.lib.ports import ports_of
from hw.lib.shared import ModuleLibrary, convert
from hw.lib.stream import width_of
from hw.verilog import to_verilog

ROOT = Path(__file__).resolve().parent.parent

#: Of the JSON beside the Verilog.
SCHEMA = 1

#: How to read the ports, in every file ...
_PORTS = """\
//
// Ports: all happens at the rising edge of clk; rst is synchronous and active high. A stream S is S__payload, S__valid
// and S__ready: a payload moves at an edge where valid and ready are high, and stays offered until then. Fields of a
// port are packed, the first in the lowest bits; a counter takes 40 bits. What each port and field is for, and the bits
// of the field, stand above the port in the top module, and as data in the JSON file that is generated beside this one.
// Names: `__` stands between a record and its field, a part and its port. What the source does not name is called after
// the signal it helps to make and the operator it comes from.
//
"""
#: ... and in that of an engine as it is.
_JOB = """\
// A job, and a burst of two words that it reads; a column is a cycle, ~ any number of them:
//   start                         #____~_____~___
//   busy                          _####~#####~##_  falls when the job's last word is written
//   read__request__valid          ___##~_____~___  with address and length 2; offered until it is taken
//   read__request__ready          ____#~_____~___
//   read__response__valid         _____~_##_#~___  a word stays offered until it is taken
//   read__response__ready         _____~__#_#~___
//   read__response__payload.last  _____~____#~___
//
"""


@dataclass(frozen=True, kw_only=True)
class Generated:
    """A design as text. The same commit and config give the same bytes."""

    name: str
    rtlil: str
    verilog: str
    ports: list[dict[str, Any]]
    modules: list[str]  #: shared modules, each emitted once
    config: dict[str, Any]
    config_hash: str

    def description(self, commit: str | None = None) -> str:
        """The JSON that goes beside the Verilog: top, ports, shared modules, config and its hash, clock and reset.

        Args:
            commit: of the sources, if they are a checkout.
        """
        keys = ("name", "config_hash", "config", "modules", "ports")
        origin = {"schema": SCHEMA, "version": project_version(), "commit": commit}
        timing = {
            "clock": {"port": "clk", "edge": "rising"},
            "reset": {"port": "rst", "active": "high", "synchronous": True},
        }
        return json.dumps({**origin, **{key: getattr(self, key) for key in keys}, **timing}, indent=1) + "\n"


def config_dict(config: Any) -> dict[str, Any]:
    """A frozen dataclass as plain JSON values."""
    return asdict(config) if is_dataclass(config) and not isinstance(config, type) else {}


def config_hash(config: Any) -> str:
    """12 hex digits that name a config in every artefact made with it."""
    text = json.dumps(config_dict(config), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


@contextmanager
def _no_collector() -> Iterator[None]:
    """Keeps Python from searching a growing netlist for garbage over and over, which takes a third of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@_no_collector()
def generate(
    component: wiring.Component, name: str, config: Any = None, *, label: str = "", prefix: str = "", remark: str = _JOB
) -> Generated:  # fmt: skip
    """Converts `component`, and every shared unit below it once.

    Args:
        label: what people call the config; it stands in the Verilog's first line.
        prefix: every module's name in the Verilog begins with it, so that two configs fit into one design.
        remark: comment lines on how the ports are used, above the first module.
    """
    library = ModuleLibrary()
    top = convert(component, name, library)
    rtlil = drop_zero_contents("\n".join([*library.modules.values(), top]))
    digest = config_hash(config)
    ports = list(_ports(component))
    written = to_verilog(rtlil, name, prefix=prefix, notes={port["name"]: _note(port) for port in ports})
    return Generated(
        name=written.modules[name],
        rtlil=rtlil,
        verilog=_header(name, digest, label, written.writer) + remark + written.text,
        ports=ports,
        modules=sorted(written.modules[module] for module in library.modules),
        config=config_dict(config),
        config_hash=digest,
    )


def _header(name: str, digest: str, label: str, writer: str) -> str:
    """What the file is, what made it, and how its ports are read."""
    config = f"{digest} ({label})" if label else digest
    return (
        f"// Tessera {project_version()}: {name}, config {config}. Generated; do not edit.\n"
        f"// Written by Amaranth {version('amaranth')} and {writer}.\n{_PORTS}"
    )


def project_version() -> str:
    """Of Tessera."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def _ports(component: wiring.Component) -> Iterator[dict[str, Any]]:
    """Name, direction, width, purpose and innermost fields of every port, as they stand in the Verilog."""
    yield {"name": "clk", "direction": "input", "width": 1, "description": "clk: the clock; its rising edge counts"}
    yield {"name": "rst", "direction": "input", "width": 1, "description": "rst: synchronous reset, active high"}
    descriptions = describe_ports(component)
    for port in ports_of(component):
        entry: dict[str, Any] = {
            "name": port.name,
            "direction": "input" if port.flow == In else "output",
            "width": width_of(port.shape),
            "description": descriptions[port.path],
        }
        if isinstance(port.shape, data.Layout):
            lines = describe_fields(port.shape)
            entry["fields"] = [
                {**field._asdict(), "description": lines.get(field.name, "")} for field in fields_of_layout(port.shape)
            ]
        yield entry


def _note(port: dict[str, Any]) -> list[str]:
    """What stands above the port in the Verilog: its purpose and the bits of its fields."""
    fields = port.get("fields", ())
    return [
        *filter(None, [port["description"]]),
        *(
            f"  [{field['offset'] + field['width'] - 1}:{field['offset']}] {field['name']}{' signed' * field['signed']}"
            + f": {field['description']}" * bool(field["description"])
            for field in fields
            if field["width"]
        ),
    ]
