"""Config to Verilog: one module once, with a description of ports and config beside it."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import Any

from amaranth.lib import data, wiring
from amaranth.lib.wiring import In

from hw.lib.fields import fields_of_layout
from hw.lib.memory import drop_zero_contents
from hw.lib.ports import ports_of
from hw.lib.shared import ModuleLibrary, convert
from hw.lib.stream import width_of
from hw.yosys import run_yosys

ROOT = Path(__file__).resolve().parent.parent


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


def generate(component: wiring.Component, name: str, config: Any = None) -> Generated:
    """Converts `component`, and every shared unit below it once."""
    library = ModuleLibrary()
    top = convert(component, name, library)
    rtlil = drop_zero_contents("\n".join([*library.modules.values(), top]))
    digest = config_hash(config)
    header = f"// Tessera: {name}, config {digest}. Generated; do not edit.\n"
    return Generated(
        name=name,
        rtlil=rtlil,
        verilog=header + _verilog(rtlil),
        ports=list(_ports(component)),
        modules=sorted(library.modules),
        config=config_dict(config),
        config_hash=digest,
    )


def _verilog(rtlil: str) -> str:
    """Yosys writes what Amaranth's own back end would; native, and on all modules at once."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "design.il", Path(folder) / "design.v"
        source.write_text(rtlil)
        run_yosys(
            [
                f"read_rtlil {source}",
                "proc -nomux -norom",
                "memory_collect",
                f"write_verilog -norename {target}",
            ]
        )
        return target.read_text()


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
