"""Config to Verilog: one module once, with a description of ports and config beside it."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import Any

from amaranth.hdl import Shape, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In

from hw.lib.memory import drop_zero_contents
from hw.lib.shared import ModuleLibrary, convert
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
    """Name, direction, width and fields of every port, as they stand in the Verilog."""
    yield {"name": "clk", "direction": "input", "width": 1}
    yield {"name": "rst", "direction": "input", "width": 1}
    for path, member, value in component.signature.flatten(component):
        port: dict[str, Any] = {
            "name": "__".join(map(str, path)),
            "direction": "input" if member.flow == In else "output",
            "width": len(Value.cast(value)),
        }
        if isinstance(member.shape, data.Layout):
            port["fields"] = list(_fields(member.shape))
        yield port


def _fields(layout: data.Layout) -> Iterator[dict[str, Any]]:
    """Name, offset, width and sign of every field of a packed port."""
    for key, field in layout:
        shape = Shape.cast(field.shape)
        yield {"name": str(key), "offset": field.offset, "width": shape.width, "signed": shape.signed}
