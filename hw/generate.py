"""Config to Verilog: one module once, with a description of ports and config beside it."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, is_dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from amaranth.lib import data, wiring
from amaranth.lib.wiring import In

from hw.lib.fields import fields_of_layout
from hw.lib.memory import drop_zero_contents
from hw.lib.ports import ports_of
from hw.lib.shared import ModuleLibrary, convert
from hw.lib.stream import width_of
from hw.verilog import to_verilog

ROOT = Path(__file__).resolve().parent.parent

#: How to read the ports, in every file.
_PORTS = """\
//
// Ports: all happens at the rising edge of clk; rst is synchronous and active high. A stream S is S__payload, S__valid
// and S__ready: a payload moves at an edge where valid and ready are high, and stays offered until then. Fields of a
// port are packed, the first in the lowest bits; a counter takes 40 bits. Name, direction and width of every port, and
// offset, width and sign of each of its fields, are in the JSON file that is generated beside this one.
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

    def description(self) -> str:
        """The JSON that goes beside the Verilog: top, ports, shared modules, config and its hash."""
        keys = ("name", "config_hash", "config", "modules", "ports")
        return json.dumps({key: getattr(self, key) for key in keys}, indent=1) + "\n"


def config_dict(config: Any) -> dict[str, Any]:
    """A frozen dataclass as plain JSON values."""
    return asdict(config) if is_dataclass(config) and not isinstance(config, type) else {}


def config_hash(config: Any) -> str:
    """12 hex digits that name a config in every artefact made with it."""
    text = json.dumps(config_dict(config), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def generate(component: wiring.Component, name: str, config: Any = None, *, label: str = "") -> Generated:
    """Converts `component`, and every shared unit below it once.

    Args:
        label: what people call the config; it stands in the Verilog's first line.
    """
    library = ModuleLibrary()
    top = convert(component, name, library)
    rtlil = drop_zero_contents("\n".join([*library.modules.values(), top]))
    digest = config_hash(config)
    verilog, writer = to_verilog(rtlil)
    return Generated(
        name=name,
        rtlil=rtlil,
        verilog=_header(name, digest, label, writer) + verilog,
        ports=list(_ports(component)),
        modules=sorted(library.modules),
        config=config_dict(config),
        config_hash=digest,
    )


def _header(name: str, digest: str, label: str, writer: str) -> str:
    """What the file is, what made it, and how its ports are read."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    config = f"{digest} ({label})" if label else digest
    return (
        f"// Tessera {project['version']}: {name}, config {config}. Generated; do not edit.\n"
        f"// Written by Amaranth {version('amaranth')} and {writer}.\n{_PORTS}"
    )


def _ports(component: wiring.Component) -> Iterator[dict[str, Any]]:
    """Name, direction, width and innermost fields of every port, as they stand in the Verilog."""
    yield {"name": "clk", "direction": "input", "width": 1}
    yield {"name": "rst", "direction": "input", "width": 1}
    for port in ports_of(component):
        entry: dict[str, Any] = {
            "name": port.name,
            "direction": "input" if port.flow == In else "output",
            "width": width_of(port.shape),
        }
        if isinstance(port.shape, data.Layout):
            entry["fields"] = [field._asdict() for field in fields_of_layout(port.shape)]
        yield entry
