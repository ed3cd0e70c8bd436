"""The engines that stand, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from amaranth.lib import wiring

from golden.errors import InputError
from hw.cluster.catalogue import catalogue as cluster_stages
from hw.cluster.config import CONFIGS as CLUSTER_CONFIGS
from hw.cluster.top import ClusterEngine
from hw.kv.catalogue import catalogue as kv_stages
from hw.kv.config import CONFIGS as KV_CONFIGS
from hw.kv.top import KvEngine
from hw.lib.block import Block
from hw.lod.catalogue import catalogue as lod_stages
from hw.lod.config import CONFIGS as LOD_CONFIGS
from hw.lod.top import LodEngine
from hw.splat.catalogue import catalogue as splat_stages
from hw.splat.config import CONFIGS as SPLAT_CONFIGS
from hw.splat.top import SplatEngine


@dataclass(frozen=True, kw_only=True)
class Engine:
    """Where an engine's parts are."""

    name: str
    configs: Mapping[str, Callable[[], Any]]
    top: Callable[..., wiring.Component]  # top(config=...)
    stages: Callable[[Any], Mapping[str, Block]]  # every unique block of a config

    def suite(self) -> Any:
        """`sim.suites.<name>`: run_suite(config, folder, inputs=, size=, stalls=) -> SuiteTable. May import torch."""
        return import_module(f"sim.suites.{self.name}")

    def baseline(self) -> Any:
        """`sim.baselines.<name>`: measure(inputs, size) -> (paths, remarks). May import torch."""
        return import_module(f"sim.baselines.{self.name}")


ENGINES = {
    "splat": Engine(name="splat", configs=SPLAT_CONFIGS, top=SplatEngine, stages=splat_stages),
    "kv": Engine(name="kv", configs=KV_CONFIGS, top=KvEngine, stages=kv_stages),
    "lod": Engine(name="lod", configs=LOD_CONFIGS, top=LodEngine, stages=lod_stages),
    "cluster": Engine(name="cluster", configs=CLUSTER_CONFIGS, top=ClusterEngine, stages=cluster_stages),
}


def find_engine(name: str) -> Engine:
    """The engine of that name.

    Raises:
        InputError: there is none.
    """
    if name not in ENGINES:
        raise InputError(f"engine must be one of {', '.join(ENGINES)}, it is '{name}'")
    return ENGINES[name]
