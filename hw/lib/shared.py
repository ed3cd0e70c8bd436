"""One module once: a repeated unit is converted a single time and instantiated.

Amaranth emits a separate module for every instance of a component and folds constants into each.
64 copies of a pixel lane are 64 modules that Verilator compiles one by one. `repeat` gives the
parent `count` sets of ports; under a `ModuleLibrary` (how `hw.generate` converts a design) they
are instances of one module, elsewhere (Amaranth's simulator, formal proofs) ordinary submodules.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from amaranth.back import rtlil
from amaranth.hdl import ClockSignal, Instance, Module, ResetInserter, ResetSignal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from hw.lib.ports import ports_of

C = TypeVar("C", bound=wiring.Component)


class ModuleLibrary:
    """Collects the RTLIL of every shared module of a design, by name.

    Passed as Amaranth's `platform`; it carries no device.
    """

    def __init__(self) -> None:
        self.modules: dict[str, str] = {}

    def add(self, name: str, make: Callable[[], wiring.Component]) -> str:
        """Converts what `make` returns under `name` and returns the name it is kept by.

        Asking again for the same unit costs a conversion and adds nothing; the same name for a
        different unit gets a number.
        """
        candidate, number = name, 1
        while self.modules.setdefault(candidate, text := self._text(candidate, make)) != text:
            number += 1
            candidate = f"{name}_{number}"
        return candidate

    def _text(self, name: str, make: Callable[[], wiring.Component]) -> str:
        # Only the design's own top is to be marked as such.
        return convert(make(), name, self).replace("attribute \\top 1\n", "")


def convert(component: wiring.Component, name: str, library: ModuleLibrary) -> str:
    """RTLIL of a component and of what lies below it, shared units left out (they go to `library`).

    Without source lines: the text does not depend on where the checkout is, and equal units that
    were made in different places are equal texts.
    """
    return rtlil.convert(component, name=name, platform=library, emit_src=False)


def _instance(module: str, component: wiring.Component, reset: Value | None = None) -> Instance:
    """An instance of a module of the library, on the ports of `component`; `reset` resets it too."""
    component._MustUse__used = True  # its ports are; without this Amaranth warns that it is not elaborated
    ports: dict[str, object] = {"i_clk": ClockSignal(), "i_rst": ResetSignal() | (0 if reset is None else reset)}
    for port in ports_of(component):
        ports[f"{'i' if port.flow == In else 'o'}_{port.name}"] = Value.cast(port.value)
    return Instance(module, **ports)


def repeat(m: Module, platform: object, name: str, count: int, make: Callable[[], C]) -> list[C]:
    """Adds `count` equal components to `m` as `name_0` … and returns them; once per name in `m`.

    Every component that `make` returns must be the same but for its ports, have a synchronous
    register, and use the domain `sync` alone.
    """
    components = [make() for _ in range(count)]
    if isinstance(platform, ModuleLibrary):
        module = platform.add(name, make)
        for k, component in enumerate(components):
            m.submodules[f"{name}_{k}"] = _instance(module, component, ResetSignal())
    else:
        for k, component in enumerate(components):
            m.submodules[f"{name}_{k}"] = component
    return components


def add_with_reset(m: Module, platform: object, name: str, component: wiring.Component, reset: Value) -> None:
    """Adds a component to `m`; `reset` resets all that lies in it, as that of `sync` does. Rules as of `repeat`."""
    if isinstance(platform, ModuleLibrary):
        m.submodules[name] = _instance(platform.add(name, lambda: component), component, reset)
    else:
        m.submodules[name] = ResetInserter(reset)(component)
