"""One module once: a repeated unit is converted a single time and instantiated.

Amaranth emits a separate module for every instance of a component and folds constants into each.
64 copies of a pixel lane are 64 modules that Verilator compiles one by one. `repeat` gives the
parent `count` sets of ports; under a `ModuleLibrary` (how `hw.generate` converts a design) they
are instances of one module, elsewhere (Amaranth's simulator, formal proofs) ordinary submodules.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from amaranth.back import rtlil
from amaranth.hdl import ClockSignal, Elaboratable, Instance, Module, ResetSignal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In

C = TypeVar("C", bound=wiring.Component)


class ModuleLibrary:
    """Collects the RTLIL of every shared module of a design, by name.

    Passed as Amaranth's `platform`; it carries no device.
    """

    def __init__(self) -> None:
        self.modules: dict[str, str] = {}

    def add(self, name: str, component: wiring.Component) -> str:
        """Converts `component` under `name` and returns the name it is kept by.

        Asking again for the same text costs a conversion and adds nothing; the same name for a
        different text gets a numbered name.
        """
        text = convert(component, name, self)
        candidate, number = name, 1
        while self.modules.get(candidate, _rename(text, name, candidate)) != _rename(text, name, candidate):
            number += 1
            candidate = f"{name}_{number}"
        self.modules[candidate] = _rename(text, name, candidate)
        return candidate


def convert(component: wiring.Component, name: str, library: ModuleLibrary) -> str:
    """RTLIL of a component and of what lies below it, shared units left out (they go to `library`)."""
    return rtlil.convert(component, name=name, platform=library)


def _rename(text: str, old: str, new: str) -> str:
    """Renames a module and its private submodules (`old.…`) in RTLIL text."""
    return text if old == new else re.sub(rf"\\{re.escape(old)}(?=[.\s])", rf"\\{new}", text)


class _SharedInstance(Elaboratable):
    """An instance of a module of the library, on the ports of `component`."""

    def __init__(self, module: str, component: wiring.Component) -> None:
        self.module, self.component = module, component

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        ports: dict[str, object] = {"i_clk": ClockSignal(), "i_rst": ResetSignal()}
        for path, member, value in self.component.signature.flatten(self.component):
            direction = "i" if member.flow == In else "o"
            ports[f"{direction}_{'__'.join(map(str, path))}"] = Value.cast(value)
        m.submodules.shared = Instance(self.module, **ports)
        return m


def repeat(m: Module, platform: object, name: str, count: int, make: Callable[[], C]) -> list[C]:
    """Adds `count` equal components to `m` as `name_0` … and returns them.

    Every component that `make` returns must be the same but for its ports, have a synchronous
    register, and use the domain `sync` alone.
    """
    components = [make() for _ in range(count)]
    if isinstance(platform, ModuleLibrary):
        module = platform.add(name, make())
        for k, component in enumerate(components):
            m.submodules[f"{name}_{k}"] = _SharedInstance(module, component)
    else:
        for k, component in enumerate(components):
            m.submodules[f"{name}_{k}"] = component
    return components
