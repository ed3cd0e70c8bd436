"""The table of engines: a row for each, and nothing else outside an engine's folders knows its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from amaranth.lib import wiring

from hw.lib.block import Block


@dataclass(frozen=True, kw_only=True)
class Engine:
    """Where an engine's parts are: `hw.<name>` and `sim.<name>`, under the same file names for every engine."""

    name: str
    component: str  #: the class in `hw.<name>.top`, made with `config=`
    placing: tuple[str, ...] = ()  #: options of nextpnr's for a board, where with its own it does not come to an end

    @property
    def folder(self) -> str:
        """Of its parts, below each floor."""
        return self.name

    @property
    def configs(self) -> Mapping[str, Callable[[], Any]]:
        """Named configs."""
        return import_module(f"hw.{self.folder}.config").CONFIGS

    def top(self, config: Any) -> wiring.Component:
        """The whole engine."""
        return getattr(import_module(f"hw.{self.folder}.top"), self.component)(config=config)

    def catalogue(self, config: Any) -> Mapping[str, Block]:
        """Every unique block of a config, and how often it stands in the top."""
        return import_module(f"hw.{self.folder}.catalogue").catalogue(config)

    def memory_map(self) -> ModuleType:
        """Where everything lies in memory: tables of fields."""
        return import_module(f"golden.{self.folder}.memory_map")

    def suite(self) -> ModuleType:
        """run_suite(config, folder, inputs=, size=, stalls=) -> SuiteTable. May import torch."""
        return import_module(f"sim.{self.name}.suite")

    def sample(self) -> ModuleType:
        """sample(config, source=, size=) -> Sample: a job that stands for the engine's work. May import torch."""
        return import_module(f"sim.{self.name}.sample")

    def baseline(self) -> ModuleType:
        """measure(inputs, size) -> (measured, remarks); problems(inputs, size, views). May import torch."""
        return import_module(f"sim.{self.name}.baseline")

    def compared(self) -> ModuleType:
        """cases() -> list of Case, PRECISION and MEASURED: what the page of comparisons stands on. May import torch."""
        return import_module(f"sim.{self.name}.compared")

    def self_test(self) -> ModuleType:
        """vectors(config) -> Vectors: a job for a board's block RAM, with the model's results. May import torch."""
        return import_module(f"sim.{self.name}.self_test")

    def sweep(self) -> ModuleType | None:
        """record(docs, progress, size=) -> paths of what the engine's page records, where it has a sweep."""
        return import_module(f"sim.{self.name}.sweep") if find_spec(f"sim.{self.name}.sweep") else None


@dataclass(frozen=True, kw_only=True)
class Chip(Engine):
    """A composition, `hw.chips.<name>` with `sim/chips/<name>_suite.py`: it has no more of an engine's parts."""

    @property
    def folder(self) -> str:
        return f"chips.{self.name}"

    def suite(self) -> ModuleType:
        return import_module(f"sim.chips.{self.name}_suite")


ENGINES = {
    engine.name: engine
    for engine in (
        Engine(name="splat", component="SplatEngine", placing=("--placer", "static", "--router", "router2")),
        Engine(name="kv", component="KvEngine"),
        Engine(name="lod", component="LodEngine"),
        Engine(name="cluster", component="ClusterEngine"),
        Engine(name="radiance", component="RadianceEngine"),
    )
}

#: What can be generated, simulated and synthesised beside the engines.
CHIPS = {chip.name: chip for chip in (Chip(name="lumina", component="LuminaChip"),)}

#: Both.
DESIGNS: Mapping[str, Engine] = {**ENGINES, **CHIPS}
